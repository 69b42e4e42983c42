// The district's own polygons: the base of every map (no tile server is needed) and the answer to "which
// grid is the pin in" while it is being dragged. The server decides in the end (GET /locate).
import { api, unwrap } from '../api/client'

export type Level = 'district' | 'street' | 'community' | 'grid'
export type Position = [lon: number, lat: number]
export type Ring = Position[]

export interface Area {
  code: string
  name: string
  level: Level
  street_name?: string
  community_name?: string
  /** The boundary is illustrative, not official. */
  approx?: boolean
}

export interface AreaFeature {
  type: 'Feature'
  properties: Area
  geometry: { type: 'Polygon'; coordinates: Ring[] } | { type: 'MultiPolygon'; coordinates: Ring[][] }
}

export interface Bounds {
  minLon: number
  minLat: number
  maxLon: number
  maxLat: number
}

/** GET /grids; the browser's cache keeps the answer by its ETag. */
export async function fetchAreas(level: Level, bounds?: Bounds): Promise<AreaFeature[]> {
  const bbox = bounds && [bounds.minLon, bounds.minLat, bounds.maxLon, bounds.maxLat].map((x) => x.toFixed(5)).join(',')
  const answer = await unwrap(api.GET('/grids', { params: { query: { level, ...(bbox ? { bbox } : {}) } } }))
  const collection = answer as unknown as { features?: AreaFeature[]; approx?: boolean }
  return (collection.features ?? []).map((f) => ({ ...f, properties: { ...f.properties, level: f.properties.level ?? level, approx: f.properties.approx ?? collection.approx } }))
}

/** Even-odd test over all rings, so holes are outside. */
export function contains(feature: AreaFeature, [x, y]: Position): boolean {
  const polygons = feature.geometry.type === 'Polygon' ? [feature.geometry.coordinates] : feature.geometry.coordinates
  let inside = false
  for (const rings of polygons)
    for (const ring of rings)
      for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
        const [xi, yi] = ring[i]!
        const [xj, yj] = ring[j]!
        if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside
      }
  return inside
}

/** The area under a point; on a shared edge the lower code, as the server has it. */
export function areaAt(features: AreaFeature[], point: Position): AreaFeature | undefined {
  return features.filter((f) => contains(f, point)).sort((a, b) => (a.properties.code < b.properties.code ? -1 : 1))[0]
}

export function boundsOf(features: AreaFeature[]): Bounds | undefined {
  const b = { minLon: Infinity, minLat: Infinity, maxLon: -Infinity, maxLat: -Infinity }
  for (const f of features) {
    const polygons = f.geometry.type === 'Polygon' ? [f.geometry.coordinates] : f.geometry.coordinates
    for (const [lon, lat] of polygons.flat(2) as Position[]) {
      b.minLon = Math.min(b.minLon, lon)
      b.minLat = Math.min(b.minLat, lat)
      b.maxLon = Math.max(b.maxLon, lon)
      b.maxLat = Math.max(b.maxLat, lat)
    }
  }
  return b.minLon <= b.maxLon ? b : undefined
}
