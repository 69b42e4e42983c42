import { describe, expect, it } from 'vitest'
import { highestLevel, levelAllowed, levelProblem, plan } from './callPlan'

const proposal = { level: 'L2', required: true, targets: [{ unit: 'D-CG', lead: true }, { unit: 'D-JS', lead: false }] }

describe('levels', () => {
  it('follow the highest role of the person', () => {
    expect(highestLevel(['STREET_OFFICER'])).toBe('L1')
    expect(highestLevel(['STREET_OFFICER', 'STREET_SECRETARY'])).toBe('L3')
    expect(highestLevel(['GRID_WORKER'])).toBe('L1')
  })

  it('cannot be chosen above the role or below what the rule demands', () => {
    const open = (l: 'L1' | 'L2' | 'L3', roles: string[]) => levelAllowed(l, proposal, roles)
    expect([open('L1', ['STREET_LEADER']), open('L2', ['STREET_LEADER']), open('L3', ['STREET_LEADER'])]).toEqual([false, true, false])
    expect(levelAllowed('L1', { ...proposal, required: false }, ['STREET_LEADER'])).toBe(true)
  })

  it('tell an officer that somebody else has to call', () => {
    expect(levelProblem(proposal, ['STREET_OFFICER'])).toBe('L2')
    expect(levelProblem(proposal, ['STREET_LEADER'])).toBeUndefined()
    expect(levelProblem({ ...proposal, required: false }, ['STREET_OFFICER'])).toBeUndefined()
  })
})

describe('plan', () => {
  it('ticks what the rule proposes, with its level and one lead', () => {
    expect(plan(proposal, 'P3', ['STREET_SECRETARY'])).toEqual({ level: 'L2', reason: 'JOINT', targets: proposal.targets })
    expect(plan({ targets: [{ unit: 'A', lead: false }] }, 'P3', []).targets).toEqual([{ unit: 'A', lead: true }])
  })

  it('stays within the role, and an emergency is called one', () => {
    expect(plan({ ...proposal, required: false }, 'P1', ['STREET_OFFICER'])).toMatchObject({ level: 'L1', reason: 'EMERGENCY' })
    expect(plan(undefined, 'P3', ['STREET_OFFICER'])).toEqual({ level: 'L1', reason: 'NO_POWER', targets: [] })
  })
})
