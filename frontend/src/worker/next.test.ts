import { describe, expect, it } from 'vitest'
import { nextStep, orderActions } from './next'
import type { Action } from './useCase'

const actions = (...names: string[]): Action[] => names.map((action) => ({ action, label: action, fields: [] }))
const item = (names: string[], more: Partial<Parameters<typeof orderActions>[0]> = {}): Parameters<typeof orderActions>[0] => ({ allowed_actions: actions(...names), call: null as never, reports: [], ...more })

describe('nextStep', () => {
  it('signs with one tap and leads everything else to its screen', () => {
    expect(nextStep({ id: '7', task: 'SIGN' })).toEqual({ key: 'nextSign', act: 'sign' })
    expect(nextStep({ id: '7', task: 'ACK' }).to).toBe('/case/7?do=ack')
    expect(nextStep({ id: '7', task: 'CHECK_IN' }).to).toBe('/case/7?do=check_in')
    expect(nextStep({ id: '7', task: 'CALL' }).to).toBe('/case/7/call')
    expect(nextStep({ id: '7', task: 'VERIFY' })).toEqual({ key: 'nextVerify', to: '/case/7?do=verify' })
    expect(nextStep({ id: '7', task: 'ARBITRATE' })).toEqual({ key: 'nextArbitrate', to: '/case/7' })
    expect(nextStep({ id: '7', task: 'DECIDE' })).toEqual({ key: 'nextDecide', to: '/case/7' })
    expect(nextStep({ id: '7', task: 'CALLBACK' })).toEqual({ key: 'nextOpen', to: '/case/7' })
  })
})

describe('orderActions', () => {
  it('asks for the contact before the result', () => {
    const { main, others } = orderActions(item(['note', 'resolve', 'return', 'contact']))
    expect(main?.action).toBe('contact')
    expect(others.map((a) => a.action)).toEqual(['resolve', 'return', 'note'])
  })

  it('keeps the number of the reporter in the first row', () => {
    const { main, others } = orderActions(item(['note', 'return', 'extend', 'reveal', 'suspend', 'resolve', 'call', 'contact']))
    expect(main?.action).toBe('contact')
    expect(others.slice(0, 3).map((a) => a.action)).toEqual(['resolve', 'call', 'reveal'])
  })

  it('does not put the contact first when every reporter asked not to be called', () => {
    const reports = [{ id: 'r', received_at: '2026-06-08T09:00:00+08:00', reporter: { no_contact: true } }]
    expect(orderActions(item(['contact', 'resolve'], { reports })).main?.action).toBe('resolve')
  })

  it('makes the call the main action only where the rules demand one and none is open', () => {
    const proposal = { required: true, level: 'L2' }
    expect(orderActions(item(['resolve', 'call'], { proposal })).main?.action).toBe('call')
    expect(orderActions(item(['resolve', 'call'])).main?.action).toBe('resolve')
    expect(orderActions(item(['contact', 'resolve', 'call'], { proposal })).main?.action).toBe('contact')
  })

  it('answers an order of the supervisor first, and withdraws a call last', () => {
    const { main, others } = orderActions(item(['dispute', 'extend', 'withdraw_call', 'resolve', 'consult', 'reply']))
    expect(main?.action).toBe('reply')
    expect(others.map((a) => a.action)).toEqual(['resolve', 'consult', 'extend', 'dispute', 'withdraw_call'])
    expect(orderActions(item(['withdraw_call', 'note'])).main).toBeUndefined()
  })

  it('never makes a side action the main one, and keeps what it does not know', () => {
    const { main, others } = orderActions(item(['note', 'return', 'something_new']))
    expect(main?.action).toBe('something_new')
    expect(others.map((a) => a.action)).toEqual(['return', 'note'])
    expect(orderActions(item(['note'])).main).toBeUndefined()
  })
})
