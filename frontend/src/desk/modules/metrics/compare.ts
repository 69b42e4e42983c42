// With what a span is compared: the one before it, or the same days of last year.
import { addDays, type Span } from './figures'

export const COMPARE = ['before', 'year'] as const
export type Compare = (typeof COMPARE)[number]

const DAY = 86_400_000
const monthOf = (day: string) => day.slice(0, 7)
const lastOf = (month: string) => addDays(`${shift(month, 1)}-01`, -1)

/** "2026-01" and -1 → "2025-12". */
function shift(month: string, by: number): string {
  const n = Number(month.slice(0, 4)) * 12 + Number(month.slice(5)) - 1 + by
  return `${Math.floor(n / 12)}-${String((n % 12) + 1).padStart(2, '0')}`
}

/** The same day of another month, or its last one where it has no such day. */
function into(month: string, day: string): string {
  const wanted = `${month}-${day.slice(8)}`
  const last = lastOf(month)
  return wanted > last ? last : wanted
}

/**
 * A whole month is compared with a whole month, the first days of one with the first days of the one before; any other span with
 * as many days that end on the day before it. Of last year it is the same days; 29 February becomes the 28th.
 */
export function comparedSpan(span: Span, how: Compare): Span {
  const [from, until] = [monthOf(span.from), monthOf(span.until)]
  const whole = span.from.endsWith('-01') && span.until === lastOf(until)
  if (how === 'year') return { from: into(shift(from, -12), span.from), until: whole ? lastOf(shift(until, -12)) : into(shift(until, -12), span.until) }
  if (span.from.endsWith('-01') && from === until) {
    const before = shift(from, -1)
    return { from: `${before}-01`, until: whole ? lastOf(before) : into(before, span.until) }
  }
  const days = (Date.parse(span.until) - Date.parse(span.from)) / DAY + 1
  return { from: addDays(span.from, -days), until: addDays(span.from, -1) }
}

/** How much more or less, in percent of what was before; undefined where there is nothing to compare with. */
export function percentChange(now: number | null | undefined, before: number | null | undefined): number | undefined {
  return now == null || !before ? undefined : Math.round(((now - before) / before) * 1000) / 10
}
