// The address of what a figure has counted. The server says it with each figure (`drill`); here it becomes a page.
import type { LocationQueryRaw } from 'vue-router'
import type { Schemas } from '@/shared/api/client'
import { call, type PageOf } from '../admin/office'

/** One thing that a figure has counted: a case, a called unit, a duty or a rating of it. */
export interface Behind {
  id: string
  case_id: string
  case_no?: string
  unit: string
  at: string
  /** In the numerator, too. */
  holds: boolean
  value?: number
}

/** Open cases under one key by the light of their next clock. */
export interface Tile {
  key: string
  name: string
  open: number
  green: number
  yellow: number
  red: number
  overdue: number
  recent?: number
  repeat?: number
  level?: number
  grid?: string
  matter?: string
  matter_name?: string
  drill: Record<string, string>
}

export interface Tiles {
  items: Tile[]
  as_of: string
  formula?: string
  /** Called units of the district that owe their answer. */
  unanswered?: number
}

export type Figures = Schemas['MetricsRow'] & { drill?: Record<string, string>; checkin_time?: { n: number; mean_minutes?: number | null; remote: number } }

const KNOWN = ['figure', 'from', 'to', 'by', 'key'] as const

/** "/api/v1/metrics/behind?figure=open&by=street&key=350102004" → the query of the page that lists it. */
export function behindQuery(drill: string | undefined): LocationQueryRaw | undefined {
  if (!drill) return undefined
  const q = new URLSearchParams(drill.slice(drill.indexOf('?') + 1))
  if (!q.get('figure')) return undefined
  return Object.fromEntries(KNOWN.flatMap((k) => (q.get(k) ? [[k, q.get(k)!]] : [])))
}

export function fetchBehind(query: Record<string, string>, cursor: string, signal?: AbortSignal): Promise<PageOf<Behind>> {
  return call('GET', '/metrics/behind', { params: { query: { ...query, limit: 200, cursor: cursor || undefined } }, signal })
}

/** Names of figures that count cases; the others count called units, duties or ratings, several of one case. */
export const OF_CASES = ['received', 'closed', 'solved', 'open', 'overdue', 'yellow', 'red', 'green', 'recent', 'hops', 'accept_on_time', 'accurate_dispatch', 'feedback_on_time']

/** Below so many, a ratio says little: the row is shown and not ranked. */
export const ENOUGH = 10

export interface Ranked {
  row: Figures
  /** 1 for the first; undefined where the sample is too small. */
  rank?: number
}

/** Best first by a ratio; equal values share a rank; small samples come last and have none. */
export function rankBy(rows: Figures[], figure: 'on_time_disposal' | 'call_response' | 'satisfied'): Ranked[] {
  const enough = (r: Figures) => (r[figure]?.denominator ?? 0) >= ENOUGH
  const value = (r: Figures) => r[figure]?.value ?? -1
  const ranked = rows.filter(enough).sort((a, b) => value(b) - value(a) || b[figure]!.denominator - a[figure]!.denominator)
  return [
    ...ranked.map((row) => ({ row, rank: ranked.findIndex((x) => value(x) === value(row)) + 1 })),
    ...rows.filter((r) => !enough(r) && (r[figure]?.denominator ?? 0) > 0).map((row) => ({ row })),
  ]
}

/** The difference to a period before, in percentage points; undefined where one of the two is no ratio. */
export function change(now: Schemas['Ratio'] | undefined, before: Schemas['Ratio'] | undefined): number | undefined {
  return typeof now?.value === 'number' && typeof before?.value === 'number' ? Math.round((now.value - before.value) * 1000) / 10 : undefined
}
