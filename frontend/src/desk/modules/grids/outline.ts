// A polygon of degrees as the path of a 100 × 100 picture, north up, with degrees of longitude as short as they are here.
type Ring = [number, number][]

export function outline(geometry: Record<string, unknown>): string {
  const polygons = (geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates) as Ring[][]
  const rings = polygons.flat()
  const all = rings.flat()
  if (all.length === 0) return ''
  const [minX, maxX] = [Math.min(...all.map((p) => p[0])), Math.max(...all.map((p) => p[0]))]
  const [minY, maxY] = [Math.min(...all.map((p) => p[1])), Math.max(...all.map((p) => p[1]))]
  const squeeze = Math.cos((((minY + maxY) / 2) * Math.PI) / 180)
  const size = Math.max((maxX - minX) * squeeze, maxY - minY) || 1
  const scale = 90 / size
  const at = ([x, y]: [number, number]) => `${(50 + (x - (minX + maxX) / 2) * squeeze * scale).toFixed(2)} ${(50 - (y - (minY + maxY) / 2) * scale).toFixed(2)}`
  return rings.map((r) => `M${r.map(at).join('L')}Z`).join('')
}
