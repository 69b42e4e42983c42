import { expect, it } from 'vitest'
import { monthOf } from './calendar'

it('begins the week with Monday and knows weekends and leap years', () => {
  const june = monthOf(2026, 6) // 1 June 2026 is a Monday
  expect(june[0]).toEqual({ day: '2026-06-01', n: 1, weekend: false })
  expect(june[5]).toMatchObject({ day: '2026-06-06', weekend: true })
  expect(monthOf(2028, 2).filter(Boolean)).toHaveLength(29)
  expect(monthOf(2026, 2).findIndex(Boolean)).toBe(6) // Sunday
})
