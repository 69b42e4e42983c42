import { describe, expect, it } from 'vitest'
import { areaAt, boundsOf, contains, type AreaFeature, type Ring } from './areas'

function area(code: string, ...rings: Ring[]): AreaFeature {
  return { type: 'Feature', properties: { code, name: code, level: 'grid' }, geometry: { type: 'Polygon', coordinates: rings } }
}
const square = (x: number, y: number, s: number): Ring => [[x, y], [x + s, y], [x + s, y + s], [x, y + s], [x, y]]

describe('areas', () => {
  const withHole = area('2', square(0, 0, 10), square(4, 4, 2))
  it('knows inside, outside and holes', () => {
    expect(contains(withHole, [1, 1])).toBe(true)
    expect(contains(withHole, [11, 1])).toBe(false)
    expect(contains(withHole, [5, 5])).toBe(false)
  })
  it('reads parts of a MultiPolygon', () => {
    const islands: AreaFeature = { ...withHole, geometry: { type: 'MultiPolygon', coordinates: [[square(0, 0, 1)], [square(5, 5, 1)]] } }
    expect([contains(islands, [5.5, 5.5]), contains(islands, [3, 3])]).toEqual([true, false])
    expect(boundsOf([islands])).toEqual({ minLon: 0, minLat: 0, maxLon: 6, maxLat: 6 })
  })
  it('prefers the lower code where areas overlap', () => {
    expect(areaAt([area('9', square(0, 0, 2)), area('3', square(1, 1, 2))], [1.5, 1.5])?.properties.code).toBe('3')
    expect(areaAt([area('9', square(0, 0, 2))], [5, 5])).toBeUndefined()
  })
  it('has no bounds without areas', () => expect(boundsOf([])).toBeUndefined())
})
