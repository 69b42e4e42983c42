import { describe, expect, it } from 'vitest'
import { homeFor, navFor } from './nav'

const names = (...held: string[]) => navFor((p) => held.includes(p)).map((n) => n.nav)

describe('navFor', () => {
  it('offers what the server would answer and nothing else', () => {
    expect(names('session', 'staff', 'case.read', 'metrics.read', 'card.read')).toEqual(['queue', 'ledger', 'calls', 'inbox', 'cockpit', 'metrics', 'incidents', 'cards', 'systemic'])
    expect(names('session', 'staff', 'case.read', 'own.unit')).toEqual(['queue', 'ledger', 'calls', 'unit', 'inbox', 'incidents'])
    expect(names('session', 'staff', 'admin', 'audit.read')).toEqual(['inbox', 'incidents', 'admin'])
    expect(names('session', 'catalog.agree')).toContain('admin')
    expect(names('session', 'points.hand_over')).toEqual(['inbox', 'points'])
  })
  it('begins with the first page that is the person’s', () => {
    expect(homeFor((p) => p === 'case.read')).toBe('queue')
    expect(homeFor((p) => ['session', 'metrics.read'].includes(p))).toBe('inbox')
    expect(homeFor((p) => ['session', 'staff', 'admin'].includes(p))).toBe('admin')
  })
})
