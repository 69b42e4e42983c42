import { expect, it } from 'vitest'
import { ACTIVE, groupOf, ledgerQuery, queueQuery } from './groups'

it('sorts the queue by what is due next and shows open cases only', () => {
  expect(queueQuery({})).toMatchObject({ state: ACTIVE.join(','), sort: 'due', light: undefined })
})

it('turns tabs into states, overdue into a light', () => {
  expect(queueQuery({ tab: 'accept' }).state).toBe('SUBMITTED,VERIFYING')
  expect(queueQuery({ tab: 'dispute' })).toMatchObject({ state: undefined, ask: 'objection' })
  expect(queueQuery({ tab: 'callback' })).toMatchObject({ state: undefined, ask: 'callback' })
  expect(queueQuery({ tab: 'held' })).toMatchObject({ state: undefined, held: true })
  expect(queueQuery({ tab: 'accept' }).ask).toBeUndefined()
  expect(queueQuery({ tab: 'accept' }).held).toBeUndefined()
  expect(queueQuery({ tab: 'handle' }).state).not.toContain('DISPUTED')
  expect(queueQuery({ tab: 'overdue', light: 'green' })).toMatchObject({ light: 'red', state: ACTIVE.join(',') })
  expect(groupOf({ tab: 'nonsense' })).toBe('all')
})

it('passes on only what the server knows', () => {
  expect(queueQuery({ light: 'purple', priority: 'P9', sort: 'random', street: '350102004', q: 'x'.repeat(200) })).toMatchObject({ light: undefined, priority: undefined, sort: 'due', street: '350102004', q: 'x'.repeat(100) })
})

it('reads the ledger filter that a figure links to', () => {
  expect(ledgerQuery({ state: 'CLOSED,ARCHIVED,BOGUS', matter: '06010', unit: 'D-CG' })).toMatchObject({ state: 'CLOSED,ARCHIVED', matter: '06010', unit: 'D-CG', sort: 'newest' })
  expect(ledgerQuery({ matter: 'drop', state: 'BOGUS' })).toMatchObject({ matter: undefined, state: undefined })
})
