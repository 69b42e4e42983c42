// Which open cases may be the same thing: same matter, nearest first. A case is not its own look-alike.
import { metresBetween } from '@/shared/map/metres'
import type { CaseRow } from '../queue/merge'

export interface Alike {
  row: CaseRow
  /** Metres between the two, where both have a position. */
  away?: number
}

/** Two reports of one thing are rarely farther apart than this. */
export const NEAR_M = 100

type Place = Pick<CaseRow, 'id' | 'point'>

export function byDistance(rows: CaseRow[], from: Place): Alike[] {
  return rows
    .filter((r) => r.id !== from.id)
    .map((row) => ({ row, away: row.point && from.point ? metresBetween(row.point, from.point) : undefined }))
    .sort((a, b) => (a.away ?? Infinity) - (b.away ?? Infinity))
}

/** The one that stands ready in the form: only where there is no doubt which. */
export function obvious(list: Alike[]): Alike | undefined {
  const near = list.filter((a) => a.away !== undefined && a.away <= NEAR_M)
  return near.length === 1 ? near[0] : undefined
}
