import { describe, expect, it } from 'vitest'
import { homeFor, navFor } from './nav'

const names = (...held: string[]) => navFor((p) => held.includes(p)).map((n) => n.nav)

describe('navFor', () => {
  it('offers what the server would answer and nothing else', () => {
    expect(names('session', 'staff', 'case.read', 'metrics.read', 'card.read')).toEqual(['queue', 'ledger', 'calls', 'inbox', 'metrics', 'incidents', 'cards', 'systemic'])
    expect(names('session', 'staff', 'case.read')).toEqual(['queue', 'ledger', 'calls', 'inbox', 'incidents'])
    expect(names('session', 'staff', 'admin')).toEqual(['inbox', 'incidents'])
  })
  it('begins with the first page that is the person’s', () => {
    expect(homeFor((p) => p === 'case.read')).toBe('queue')
    expect(homeFor((p) => ['session', 'metrics.read'].includes(p))).toBe('inbox')
  })
})
