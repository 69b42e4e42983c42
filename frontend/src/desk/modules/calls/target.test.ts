import { expect, it } from 'vitest'
import { nextDue, oweNext, targetTone, type CallTarget } from './target'

const target = (more: Partial<CallTarget> = {}): CallTarget => ({ unit: 'D-CG', lead: true, ack_due: '2026-06-08T09:10:00+08:00', acked_at: null, checkin_due: '2026-06-08T09:30:00+08:00', checked_in_at: null, mode: null as never, distance_m: null, late: false, withdrawn: false, ...more })

it('owes the answer, then the arrival, then nothing', () => {
  expect(oweNext(target())).toMatchObject({ kind: 'ack', due: '2026-06-08T09:10:00+08:00' })
  expect(oweNext(target({ acked_at: '2026-06-08T09:05:00+08:00' }))).toMatchObject({ kind: 'checkin', due: '2026-06-08T09:30:00+08:00' })
  expect(oweNext(target({ checked_in_at: '2026-06-08T09:20:00+08:00' }))).toBeUndefined()
  expect(oweNext(target({ withdrawn: true }))).toBeUndefined()
})

it('reads calls by who is due next; a call that owes nothing is last', () => {
  const far = target({ acked_at: '2026-06-08T09:05:00+08:00' })
  expect(nextDue([far, target()])).toBe(Date.parse('2026-06-08T09:10:00+08:00'))
  expect(nextDue([target({ checked_in_at: '2026-06-08T09:20:00+08:00' })])).toBe(Infinity)
})

it('does not paint a late arrival green', () => {
  expect(targetTone(target({ checked_in_at: 'x' }))).toBe('green')
  expect(targetTone(target({ checked_in_at: 'x', late: true }))).toBe('amber')
})
