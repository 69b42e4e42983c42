// Figures as the server counts them; here they are only asked for, sorted and linked.
import type { LocationQuery, LocationQueryRaw } from 'vue-router'
import type { Schemas } from '@/shared/api/client'
import { ACTIVE } from '../queue/groups'

export type Row = Schemas['MetricsRow']
export const BY = ['unit', 'street', 'matter', 'day'] as const
export type By = (typeof BY)[number]
export const COUNTS = ['received', 'closed', 'open', 'overdue'] as const
export const RATIOS = ['call_response', 'on_time_checkin', 'on_time_disposal', 'resolution', 'satisfied'] as const
export type Column = 'name' | (typeof COUNTS)[number] | (typeof RATIOS)[number]

export interface Span {
  /** First and last day, both inside, YYYY-MM-DD of the district. */
  from: string
  until: string
}

const DAY = 86_400_000
const isDay = (s: unknown): s is string => typeof s === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(s) && !Number.isNaN(Date.parse(s))

export function addDays(day: string, n: number): string {
  return new Date(Date.parse(day) + n * DAY).toISOString().slice(0, 10)
}

/** Today on the district's wall clock (UTC+8). */
export function today(now: number): string {
  return new Date(now + 8 * 3_600_000).toISOString().slice(0, 10)
}

/** This month up to today, as long as nothing else was asked. */
export function spanOf(query: LocationQuery, now: number): Span {
  const day = today(now)
  const until = isDay(query.until) ? query.until : day
  const from = isDay(query.from) ? query.from : `${day.slice(0, 8)}01`
  return from <= until ? { from, until } : { from: until, until: from }
}

export const PRESETS = ['today', 'week', 'month', 'lastMonth'] as const
export function presetSpan(name: (typeof PRESETS)[number], now: number): Span {
  const day = today(now)
  const first = `${day.slice(0, 8)}01`
  if (name === 'today') return { from: day, until: day }
  if (name === 'week') return { from: addDays(day, -((new Date(Date.parse(day)).getUTCDay() + 6) % 7)), until: day }
  if (name === 'month') return { from: first, until: day }
  const last = addDays(first, -1)
  return { from: `${last.slice(0, 8)}01`, until: last }
}

/** The cell's figure to sort by; N/A (no denominator) is always last. */
function weight(row: Row, column: Column): number | string | null {
  if (column === 'name') return row.name
  const v = row[column]
  return typeof v === 'object' && v !== null ? (v.value ?? null) : (v ?? null)
}

export function sortRows(rows: Row[], column: Column, down: boolean): Row[] {
  return [...rows].sort((a, b) => {
    const x = weight(a, column)
    const y = weight(b, column)
    if (x === null || y === null) return x === y ? 0 : x === null ? 1 : -1
    const order = typeof x === 'string' ? x.localeCompare(String(y), 'zh-CN') : x - Number(y)
    return down ? -order : order
  })
}

const stateOf: Partial<Record<Column, LocationQueryRaw>> = {
  received: {},
  closed: { state: 'CLOSED,ARCHIVED' },
  open: { state: ACTIVE.join(',') },
  overdue: { state: ACTIVE.join(','), light: 'red' },
}

/** The ledger's filter behind a number, as far as lists can be filtered: not by day, and not ratios. */
export function ledgerFilter(by: By, key: string, column: Column): LocationQueryRaw | undefined {
  const base = stateOf[column]
  if (!base || by === 'day') return undefined
  return key === 'total' ? base : { ...base, [by]: key }
}
