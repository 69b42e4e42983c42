import { describe, expect, it } from 'vitest'
import type { Schemas } from '@/shared/api/client'
import { explain, marks, standing } from './coach'
import en from './en'
import zh from './zh'

const c = (state: string, over: Partial<Schemas['Case']> = {}) => ({ state, call: null, allowed_actions: [], return_count: 0, clocks: [], ...over }) as unknown as Schemas['Case']

describe('standing', () => {
  it('follows the case from sign to rating', () => {
    expect(['DISPATCHED', 'HANDLING', 'CALLING', 'ONSITE', 'RESOLVED'].map((s) => standing(c(s)).now)).toEqual(['sign', 'call', 'arrive', 'result', 'result'])
    expect(standing(c('CLOSED', { allowed_actions: [{ action: 'rate_unit', label: '', fields: [] }] }))).toEqual({ now: 'rate', stuck: false })
    expect(standing(c('CLOSED'))).toEqual({ now: undefined, stuck: false })
  })
  it('says what went wrong', () => {
    expect(standing(c('FILED', { return_count: 1 }))).toEqual({ trouble: 'returned', stuck: true })
    expect(standing(c('VOIDED'))).toEqual({ trouble: 'left', stuck: true })
    expect(standing(c('HANDLING', { call: { state: 'WITHDRAWN' } as Schemas['Call'] }))).toEqual({ now: 'call', trouble: 'withdrawn', stuck: false })
    expect(standing(c('DISPATCHED', { clocks: [{ state: 'RUNNING', light: 'red' } as Schemas['Clock']] }))).toEqual({ now: 'sign', trouble: 'overdue', stuck: false })
  })
})

describe('marks and explanations', () => {
  it('every step has a place, every code words', () => {
    expect(marks('call')).toEqual(['done', 'now', 'todo', 'todo', 'todo'])
    expect(marks(undefined)).toEqual(['done', 'done', 'done', 'done', 'done'])
    for (const code of ['LEVEL_TOO_LOW', 'STALE', 'SOMETHING_NEW']) expect(`err.${explain(code)}` in zh).toBe(true)
  })
  it('both languages use the same parameters', () => {
    const params = (s: string) => (s.match(/\{\w+\}/g) ?? []).sort()
    for (const [key, text] of Object.entries(zh)) expect([key, params(en[key as keyof typeof en])]).toEqual([key, params(text)])
  })
})
