// In which order a unit's people are offered a duty.
type Load = { name: string; on_duty: boolean; duties: number; calls: number }

/** Those on duty first; among them whoever has the least to do, calls first as they cannot wait. */
export function byLoad<T extends Load>(people: readonly T[]): T[] {
  return [...people].sort((a, b) => Number(b.on_duty) - Number(a.on_duty) || a.calls - b.calls || a.duties - b.duties || a.name.localeCompare(b.name, 'zh'))
}
