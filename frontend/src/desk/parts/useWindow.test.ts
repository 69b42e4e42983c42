import { expect, it } from 'vitest'
import { rowsInSight, WHOLE } from './useWindow'

it('keeps short lists whole', () => {
  expect(rowsInSight(WHOLE, 80, 9_000, 800)).toEqual({ first: 0, last: WHOLE })
  expect(rowsInSight(100_000, 0, 0, 800)).toEqual({ first: 0, last: 100_000 })
})

it('has every row that is in sight, and only a few more, wherever the list is', () => {
  const height = 84
  for (const box of [300, 811, 2_000])
    for (let top = 0; top <= 100_000 * height; top += 977_777.7) {
      const { first, last } = rowsInSight(100_000, height, top, box)
      expect(first).toBeLessThanOrEqual(Math.floor(top / height))
      expect(last).toBeGreaterThanOrEqual(Math.min(100_000, Math.ceil((top + box) / height)))
      expect(last - first).toBeLessThan(box / height + 60)
    }
})

it('changes its rows by several at once', () => {
  const firsts = new Set(Array.from({ length: 500 }, (_, i) => rowsInSight(5_000, 84, 40_000 + i, 800).first))
  expect(firsts.size).toBeLessThanOrEqual(3)
})
