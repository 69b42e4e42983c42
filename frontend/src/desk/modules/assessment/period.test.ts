import { describe, expect, it } from 'vitest'
import { isPeriod, lastMonth, monthOf, quarterOf } from './period'

describe('periods', () => {
  it('begins with the month that is over on the district’s clock', () => {
    expect(lastMonth(Date.parse('2026-07-01T00:00:00+08:00'))).toBe('2026-06')
    expect(lastMonth(Date.parse('2026-06-30T23:59:59+08:00'))).toBe('2026-05')
    expect(lastMonth(Date.parse('2026-01-05T09:00:00+08:00'))).toBe('2025-12')
  })
  it('goes from month to quarter and back', () => {
    expect(['2026-01', '2026-03', '2026-04', '2026-12', '2026-Q2'].map(quarterOf)).toEqual(['2026-Q1', '2026-Q1', '2026-Q2', '2026-Q4', '2026-Q2'])
    expect(['2026-Q1', '2026-Q4', '2026-05'].map(monthOf)).toEqual(['2026-03', '2026-12', '2026-05'])
  })
  it('takes nothing else for a period', () => {
    expect(['2026-06', '2026-Q4', '2026-13', '2026-Q5', '06', undefined].map(isPeriod)).toEqual([true, true, false, false, false, false])
  })
})
