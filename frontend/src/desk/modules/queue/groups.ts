// The tabs of the queue, and how the address of the page becomes a question to the server.
import type { LocationQuery } from 'vue-router'
import type { operations } from '@/shared/api/schema'

export type CaseQuery = NonNullable<operations['listCases']['parameters']['query']>

/** States in which somebody still owes the resident something. */
export const ACTIVE = ['SUBMITTED', 'VERIFYING', 'FILED', 'DISPATCHED', 'HANDLING', 'CALLING', 'ONSITE', 'DISPUTED', 'SUSPENDED', 'RESOLVED']
export const ALL_STATES = [...ACTIVE, 'CLOSED', 'ARCHIVED', 'REJECTED', 'MERGED', 'VOIDED']

export const GROUPS = ['all', 'accept', 'dispatch', 'sign', 'handle', 'call', 'dispute', 'overdue', 'check', 'callback', 'held'] as const
export type Group = (typeof GROUPS)[number]

/** Objections (a unit's dispute, a resident's appeal) and callbacks are asked for by name: no state says them alone. */
const asks: Partial<Record<Group, CaseQuery['ask']>> = { dispute: 'objection', callback: 'callback' }

const states: Partial<Record<Group, string[]>> = {
  all: ACTIVE,
  accept: ['SUBMITTED', 'VERIFYING'],
  dispatch: ['FILED'],
  sign: ['DISPATCHED'],
  handle: ['HANDLING', 'ONSITE', 'SUSPENDED'],
  call: ['CALLING'],
  overdue: ACTIVE,
  check: ['RESOLVED'],
}

const one = (q: LocationQuery, key: string): string | undefined => {
  const v = q[key]
  return (Array.isArray(v) ? v[0] : v) || undefined
}
const oneOf = <T extends string>(value: string | undefined, all: readonly T[]): T | undefined => all.find((x) => x === value)

export function groupOf(q: LocationQuery): Group {
  return oneOf(one(q, 'tab'), GROUPS) ?? 'all'
}

/** The queue: a tab and the narrowing filters; sorted by what is due next unless asked otherwise. */
export function queueQuery(q: LocationQuery): CaseQuery {
  const group = groupOf(q)
  return {
    state: states[group]?.join(','),
    ask: asks[group],
    held: group === 'held' || undefined,
    light: group === 'overdue' ? 'red' : oneOf(one(q, 'light'), ['green', 'yellow', 'red']),
    street: one(q, 'street'),
    unit: one(q, 'unit'),
    priority: oneOf(one(q, 'priority'), ['P1', 'P2', 'P3', 'P4']),
    q: one(q, 'q')?.slice(0, 100),
    sort: oneOf(one(q, 'sort'), ['newest', 'updated']) ?? 'due',
  }
}

/** The ledger: every state unless named, newest first unless asked otherwise. */
export function ledgerQuery(q: LocationQuery): CaseQuery {
  const asked = one(q, 'state')?.split(',').filter((s) => ALL_STATES.includes(s))
  return {
    ...queueQuery({ ...q, tab: null }),
    state: asked?.length ? asked.join(',') : undefined,
    matter: /^\d{5}$/.test(one(q, 'matter') ?? '') ? one(q, 'matter') : undefined,
    grid: one(q, 'grid'),
    incident: /^[0-9a-f-]{36}$/.test(one(q, 'incident') ?? '') ? one(q, 'incident') : undefined,
    sort: oneOf(one(q, 'sort'), ['due', 'updated']) ?? 'newest',
  }
}
