// Periods of the assessment: months 2026-06 and quarters 2026-Q2, of the district's wall clock (UTC+8).
export function lastMonth(now: number): string {
  const day = new Date(now + 8 * 3_600_000)
  return new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() - 1, 1)).toISOString().slice(0, 7)
}

export function isPeriod(s: unknown): s is string {
  return typeof s === 'string' && /^\d{4}-(0[1-9]|1[0-2]|Q[1-4])$/.test(s)
}

/** The quarter that a month or a quarter lies in. */
export function quarterOf(period: string): string {
  return period.includes('Q') ? period : `${period.slice(0, 4)}-Q${Math.ceil(Number(period.slice(5)) / 3)}`
}

/** The month of a period: itself, or the last one of a quarter. */
export function monthOf(period: string): string {
  return period.includes('Q') ? `${period.slice(0, 4)}-${String(Number(period.slice(6)) * 3).padStart(2, '0')}` : period
}
