import { expect, it } from 'vitest'
import { faultOf, inOrder, toSend, type Shift } from './roster'

const shift = (s: Partial<Shift>): Shift => ({ from: '09:00', to: '18:00', ...s })

it('orders the week first, then single days', () => {
  expect(inOrder([shift({ day: '2026-10-01' }), shift({ weekday: 2 }), shift({ weekday: 1, from: '18:00' }), shift({ weekday: 1 })]).map((s) => s.day ?? `${s.weekday} ${s.from}`)).toEqual(['1 09:00', '1 18:00', '2 09:00', '2026-10-01'])
})

it('lets a day without a person stand (nobody is on duty), not a weekly row', () => {
  expect(faultOf(shift({ day: '2026-10-01' }))).toBeUndefined()
  expect(faultOf(shift({ weekday: 1 }))).toBe('errShiftPerson')
  expect(faultOf(shift({ username: 'cg1' }))).toBe('errShiftWhen')
  expect(faultOf(shift({ weekday: 1, username: 'cg1', to: '' }))).toBe('errShiftTime')
})

it('sends a weekly row or a day, never both, and no name', () => {
  expect(toSend(shift({ weekday: 3, username: 'cg1', name: '陈城管', valid_from: '2026-06-01' }))).toEqual({ from: '09:00', to: '18:00', username: 'cg1', weekday: 3, valid_from: '2026-06-01' })
  expect(toSend(shift({ weekday: 3, day: '2026-10-01' }))).toEqual({ from: '09:00', to: '18:00', day: '2026-10-01' })
})
