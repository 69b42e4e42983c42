import { describe, expect, it } from 'vitest'
import { asShown, mergeRows, type CaseRow } from './merge'

const row = (id: string, minutes: number, more: Partial<CaseRow> = {}) => ({ id, due_at: new Date(minutes * 60_000).toISOString(), state: 'FILED', light: 'green', version: 1, ...more }) as CaseRow
const ids = (shown: { row: CaseRow }[]) => shown.map((s) => s.row.id)

describe('mergeRows', () => {
  it('never moves a row and counts what is new', () => {
    const shown = asShown([row('a', 1), row('b', 2)])
    const merged = mergeRows(shown, [row('new', 0), row('b', 2), row('a', 9)], false)
    expect(ids(merged.shown)).toEqual(['a', 'b'])
    expect(merged.fresh).toBe(1)
  })

  it('shows the newest state in the old place', () => {
    const merged = mergeRows(asShown([row('a', 1)]), [row('a', 1, { state: 'DISPATCHED', version: 2 })], false)
    expect(merged.shown[0]!.row.state).toBe('DISPATCHED')
    expect(merged.fresh).toBe(0)
  })

  it('marks what has left the list and takes it back when it returns', () => {
    const gone = mergeRows(asShown([row('a', 1), row('b', 2)]), [row('b', 2)], false)
    expect(gone.shown.map((s) => s.gone)).toEqual([true, false])
    expect(mergeRows(gone.shown, [row('a', 1), row('b', 2)], false).shown.map((s) => s.gone)).toEqual([false, false])
  })

  it('judges by the order that was asked for', () => {
    const at = (id: string, minute: number) => row(id, 99 - minute, { created_at: new Date(minute * 60_000).toISOString() })
    const shown = asShown([at('new', 50), at('old', 10)])
    expect(mergeRows(shown, [at('n', 60), at('m', 40)], true, 'newest').shown.map((s) => s.gone)).toEqual([true, false])
  })

  it('does not call a row gone that may stand on a later page', () => {
    const merged = mergeRows(asShown([row('a', 1), row('z', 60)]), [row('n', 0), row('a', 1)], true)
    expect(merged.shown.map((s) => s.gone)).toEqual([false, false])
    expect(mergeRows(asShown([row('a', 0)]), [row('b', 5)], true).shown[0]!.gone).toBe(true)
  })
})
