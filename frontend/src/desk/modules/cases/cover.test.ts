import { expect, it } from 'vitest'
import { between, byKey, fit } from './cover'

it('is the rectangle between two corners, whichever was first, and never leaves the picture', () => {
  expect(between({ x: 0.8, y: 0.9 }, { x: 0.3, y: 0.4 })).toEqual({ x: 0.3, y: 0.4, w: 0.5, h: 0.5 })
  expect(between({ x: -0.2, y: 0.5 }, { x: 0.1, y: 1.4 })).toEqual({ x: 0, y: 0.5, w: 0.1, h: 0.5 })
  expect(between({ x: 0.5, y: 0.5 }, { x: 0.51, y: 0.9 })).toBeUndefined()
  for (const x of [0, 1 / 3, 0.66666, 0.98, 1]) {
    const r = fit({ x, y: x, w: 1 / 3, h: 0.001 })
    expect(r.x + r.w).toBeLessThanOrEqual(1)
    expect(r.y + r.h).toBeLessThanOrEqual(1)
    expect(r.h).toBeGreaterThan(0)
  }
})

it('moves by arrows, grows with Shift, and stops at the edge', () => {
  const r = { x: 0.01, y: 0.5, w: 0.2, h: 0.2 }
  expect(byKey(r, 'ArrowLeft', false)).toEqual({ ...r, x: 0 })
  expect(byKey(r, 'ArrowDown', true)).toEqual({ ...r, h: 0.22 })
  expect(byKey({ ...r, w: 0.02 }, 'ArrowLeft', true)!.w).toBe(0.02)
  expect(byKey(r, 'Tab', false)).toBeUndefined()
})
