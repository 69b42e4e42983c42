// A list that somebody is reading must not move under the mouse. What the server says is put into the rows
// that are shown; what is new, and what no longer belongs here, waits until it is asked for.
import type { Schemas } from '@/shared/api/client'

export type CaseRow = Schemas['CaseSummary']

export interface Shown {
  row: CaseRow
  /** The row has left this list (it was dispatched, say) but keeps its place until the list is renewed. */
  gone: boolean
}

export interface Merged {
  shown: Shown[]
  /** Rows the server has and the screen does not. */
  fresh: number
}

/** Where a row stands in each order the server knows, ascending. */
const rank: Record<'due' | 'newest' | 'updated', (r: CaseRow) => number> = {
  due: (r) => (r.due_at ? Date.parse(r.due_at) : Infinity),
  newest: (r) => -Date.parse(r.created_at),
  updated: (r) => -Date.parse(r.updated_at),
}

/**
 * @param reach the server has more than `now` covers: rows missing from it may still exist further down,
 *   so only rows that would sort before its last one count as gone.
 */
export function mergeRows(shown: Shown[], now: CaseRow[], reach: boolean, sort: keyof typeof rank = 'due'): Merged {
  const byId = new Map(now.map((r) => [r.id, r]))
  const known = new Set(shown.map((s) => s.row.id))
  const end = now.length > 0 ? rank[sort](now[now.length - 1]!) : -Infinity
  const beyond = (r: CaseRow) => reach && rank[sort](r) >= end
  return {
    shown: shown.map(({ row }) => {
      const next = byId.get(row.id)
      return next ? { row: next, gone: false } : { row, gone: !beyond(row) }
    }),
    fresh: now.filter((r) => !known.has(r.id)).length,
  }
}

export function asShown(rows: CaseRow[]): Shown[] {
  return rows.map((row) => ({ row, gone: false }))
}
