import { describe, expect, it } from 'vitest'
import { ratioText } from '../../words'
import { addDays, ledgerFilter, presetSpan, sortRows, spanOf, today, type Row } from './figures'

const NOON = Date.parse('2026-06-17T12:00:00+08:00') // a Wednesday

describe('spans', () => {
  it('takes this month when nothing is asked, on the district clock', () => {
    expect(spanOf({}, NOON)).toEqual({ from: '2026-06-01', until: '2026-06-17' })
    expect(today(Date.parse('2026-06-30T16:30:00Z'))).toBe('2026-07-01')
  })
  it('ignores what is no date and turns a span round', () => {
    expect(spanOf({ from: 'x', until: '2026-06-10' }, NOON)).toEqual({ from: '2026-06-01', until: '2026-06-10' })
    expect(spanOf({ from: '2026-06-12', until: '2026-06-10' }, NOON)).toEqual({ from: '2026-06-10', until: '2026-06-12' })
  })
  it('knows week and last month, over year ends too', () => {
    expect(presetSpan('week', NOON).from).toBe('2026-06-15')
    expect(presetSpan('lastMonth', Date.parse('2026-01-09T12:00:00+08:00'))).toEqual({ from: '2025-12-01', until: '2025-12-31' })
    expect(addDays('2026-02-28', 1)).toBe('2026-03-01')
  })
})

it('sorts with N/A last, either way round', () => {
  const row = (key: string, value: number | null) => ({ key, name: key, received: 1, closed: 1, satisfied: { numerator: 0, denominator: 0, value } }) as Row
  const rows = [row('a', null), row('b', 0.5), row('c', 0.9)]
  expect(sortRows(rows, 'satisfied', true).map((r) => r.key)).toEqual(['c', 'b', 'a'])
  expect(sortRows(rows, 'satisfied', false).map((r) => r.key)).toEqual(['b', 'c', 'a'])
})

it('links a number to the ledger as far as lists can be filtered', () => {
  expect(ledgerFilter('unit', 'D-CG', 'closed')).toEqual({ state: 'CLOSED,ARCHIVED', unit: 'D-CG' })
  expect(ledgerFilter('matter', '06010', 'overdue')).toMatchObject({ light: 'red', matter: '06010' })
  expect(ledgerFilter('unit', 'total', 'received')).toEqual({})
  expect(ledgerFilter('day', '2026-06-01', 'closed')).toBeUndefined()
  expect(ledgerFilter('unit', 'D-CG', 'satisfied')).toBeUndefined()
})

it('never rounds up to 100%', () => {
  expect(ratioText({ numerator: 49_999, denominator: 50_000, value: 0.9999, text: '99.99%' })).toBe('99.99%')
  expect(ratioText({ numerator: 49_999, denominator: 50_000, value: 0.9999 })).toBe('99.99%')
  expect(ratioText({ numerator: 5, denominator: 5, value: 1, text: '100%' })).toBe('100%')
  expect(ratioText({ numerator: 0, denominator: 0, value: null })).toBe('—')
})
