import { expect, it } from 'vitest'
import { comparedSpan, percentChange } from './compare'

it.each([
  [{ from: '2026-06-01', until: '2026-06-30' }, { from: '2026-05-01', until: '2026-05-31' }, { from: '2025-06-01', until: '2025-06-30' }],
  [{ from: '2026-03-01', until: '2026-03-30' }, { from: '2026-02-01', until: '2026-02-28' }, { from: '2025-03-01', until: '2025-03-30' }],
  [{ from: '2026-01-01', until: '2026-01-08' }, { from: '2025-12-01', until: '2025-12-08' }, { from: '2025-01-01', until: '2025-01-08' }],
  [{ from: '2026-06-08', until: '2026-06-14' }, { from: '2026-06-01', until: '2026-06-07' }, { from: '2025-06-08', until: '2025-06-14' }],
  [{ from: '2026-06-08', until: '2026-06-08' }, { from: '2026-06-07', until: '2026-06-07' }, { from: '2025-06-08', until: '2025-06-08' }],
  [{ from: '2024-02-01', until: '2024-02-29' }, { from: '2024-01-01', until: '2024-01-31' }, { from: '2023-02-01', until: '2023-02-28' }],
  [{ from: '2025-02-01', until: '2025-02-28' }, { from: '2025-01-01', until: '2025-01-31' }, { from: '2024-02-01', until: '2024-02-29' }],
  [{ from: '2026-01-01', until: '2026-03-31' }, { from: '2025-10-03', until: '2025-12-31' }, { from: '2025-01-01', until: '2025-03-31' }],
])('%o is compared with the span before and with last year', (span, before, year) => {
  expect(comparedSpan(span, 'before')).toEqual(before)
  expect(comparedSpan(span, 'year')).toEqual(year)
})

it('says a change in percent, and none where there was nothing', () => {
  expect(percentChange(12, 10)).toBe(20)
  expect(percentChange(0, 10)).toBe(-100)
  expect(percentChange(5, 0)).toBeUndefined()
  expect(percentChange(undefined, 3)).toBeUndefined()
})
