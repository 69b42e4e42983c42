import { describe, expect, it } from 'vitest'
import { checkAct, verbsOf, type Card } from './card'

const card = (allowed: string[]) => ({ allowed_actions: allowed }) as Card

describe('verbsOf', () => {
  it('offers what the server allows, in the order of a card’s life', () => {
    expect(verbsOf(card(['waive', 'confirm']))).toEqual(['confirm', 'waive'])
    expect(verbsOf(card(['something new']))).toEqual([])
  })
})

describe('checkAct', () => {
  it('wants words for everything but a confirmation', () => {
    expect(checkAct('confirm', { reason: '' })).toEqual([])
    expect(checkAct('waive', { reason: ' ' }).map((e) => e.field)).toEqual(['card-reason'])
    expect(checkAct('object', { reason: '' }).map((e) => e.field)).toEqual(['card-reason'])
  })
  it('an answer says how the objection ends', () => {
    expect(checkAct('answer', { reason: '已核实' }).map((e) => e.field)).toEqual(['card-upheld-yes'])
    expect(checkAct('answer', { reason: '', upheld: false }).map((e) => e.field)).toEqual(['card-reason'])
    expect(checkAct('answer', { reason: '已核实', upheld: true })).toEqual([])
  })
})
