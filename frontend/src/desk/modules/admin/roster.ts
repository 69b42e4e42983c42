// A unit's roster as a week: rows that come every week, and rows of one day that stand in for them.
import type { Schemas } from '@/shared/api/client'

export type Shift = Schemas['DutyShift']

/** Rows of the week by weekday and time, then those of single days. */
export function inOrder(shifts: Shift[]): Shift[] {
  const rank = (s: Shift) => (s.day ? `9${s.day}` : `0${s.weekday ?? 8}`) + s.from
  return [...shifts].sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
}

/** What is wrong with a row before it is sent, as the key of a sentence. */
export function faultOf(s: Shift): 'errShiftWhen' | 'errShiftTime' | 'errShiftPerson' | undefined {
  if (!s.weekday && !s.day) return 'errShiftWhen'
  if (!/^\d\d:\d\d$/.test(s.from) || !/^\d\d:\d\d$/.test(s.to)) return 'errShiftTime'
  return !s.username && !s.day ? 'errShiftPerson' : undefined
}

/** The row as it is sent: without the answered name and without empty members. */
export function toSend(s: Shift): Shift {
  return {
    from: s.from,
    to: s.to,
    ...(s.username ? { username: s.username } : {}),
    ...(s.day ? { day: s.day } : { weekday: s.weekday, ...(s.valid_from ? { valid_from: s.valid_from } : {}), ...(s.valid_to ? { valid_to: s.valid_to } : {}) }),
  }
}
