import { expect, it } from 'vitest'
import { outline } from './outline'

it('draws north up, inside the picture, holes as further rings', () => {
  const square = { type: 'Polygon', coordinates: [[[119, 26], [119.001, 26], [119.001, 26.001], [119, 26.001], [119, 26]]] }
  const d = outline(square)
  expect(d.startsWith('M')).toBe(true)
  const ys = [...d.matchAll(/(-?[\d.]+) (-?[\d.]+)/g)].map((m) => Number(m[2]))
  expect(ys[0]).toBeGreaterThan(ys[2]!) // the northern corners lie higher
  expect(Math.max(...ys)).toBeLessThanOrEqual(95)
  expect(outline({ type: 'MultiPolygon', coordinates: [square.coordinates, square.coordinates] }).match(/M/g)).toHaveLength(2)
  expect(outline({ type: 'Polygon', coordinates: [] })).toBe('')
})
