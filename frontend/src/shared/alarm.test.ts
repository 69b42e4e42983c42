import { describe, expect, it } from 'vitest'
import { alarmOf, inForce, type Incident } from './alarm'

const at = (time: string) => Date.parse(`2026-06-08T${time}:00+08:00`)
const incident = (over: Partial<Incident>): Incident => ({
  id: 'i', name: '防汛', drill: false, state: 'DECLARED', areas: [], area_names: [], units: [], matters: [], from: '2026-06-08T09:00:00+08:00', declared_at: '2026-06-08T09:00:00+08:00',
  confirm_by: '2026-06-08T09:30:00+08:00', declared_by_name: 'com1', allowed_actions: [], ...over,
})

describe('inForce', () => {
  it('holds alone for 30 minutes, confirmed until its end', () => {
    expect(inForce(incident({}), at('09:29'))).toBe(true)
    expect(inForce(incident({}), at('09:30'))).toBe(false)
    expect(inForce(incident({ state: 'CONFIRMED' }), at('18:00'))).toBe(true)
    expect(inForce(incident({ state: 'CONFIRMED', until: '2026-06-08T12:00:00+08:00' }), at('12:00'))).toBe(false)
    expect(inForce(incident({ state: 'ENDED' }), at('09:10'))).toBe(false)
    expect(inForce(incident({ from: '2026-06-08T10:00:00+08:00' }), at('09:10'))).toBe(false)
  })
})

describe('alarmOf', () => {
  it('names a real emergency before a drill and counts the others', () => {
    const drill = incident({ id: 'd', drill: true, state: 'CONFIRMED', declared_at: '2026-06-08T11:00:00+08:00' })
    const real = incident({ id: 'r', state: 'CONFIRMED' })
    expect(alarmOf([drill], at('12:00'))).toMatchObject({ drill: true, more: 0 })
    expect(alarmOf([drill, real], at('12:00'))).toMatchObject({ drill: false, first: { id: 'r' }, more: 1 })
    expect(alarmOf([incident({ state: 'ENDED' })], at('12:00'))).toBeUndefined()
  })
})
