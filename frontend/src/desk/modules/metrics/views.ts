// The kinds of figures and who sees each: what concerns the whole district is for its offices, districts beside each other for the city.
export const VIEWS = [
  { view: 'response', permission: 'metrics.read' },
  { view: 'hotline', permission: 'metrics.district' },
  { view: 'burden', permission: 'metrics.district' },
  { view: 'delay', permission: 'metrics.district' },
  { view: 'risk', permission: 'metrics.district' },
  { view: 'districts', permission: 'metrics.city' },
] as const
export type View = (typeof VIEWS)[number]['view']

/** By how much a number has changed, as people say it: +3, -0.5; undefined where one of them is missing. */
export function than(now: number | null | undefined, before: number | null | undefined): string | undefined {
  if (now == null || before == null) return undefined
  const d = Math.round((now - before) * 100) / 100
  return d > 0 ? `+${d}` : String(d)
}
