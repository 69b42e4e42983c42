import { describe, expect, it } from 'vitest'
import { lineOf } from './timeline'
import { etaOf, type CaseEvent } from './useCase'
import { dueOf, matches, type Task } from './useTasks'

const event = (over: Partial<CaseEvent>): CaseEvent => ({ seq: 1, at: '2026-06-08T09:00:00+08:00', actor: 'a', role: 'DEPT_OFFICER', action: 'ack', data: {}, prev_hash: '', hash: '', ...over })

describe('lineOf', () => {
  it('says who, what, and the facts that matter', () => {
    const line = lineOf(event({ action: 'check_in', action_text: '到场报到', unit_name: '城管局', actor_name: '陈', data: { mode: 'GPS', distance_m: 41, late: true }, text: '备注' }))
    expect(line).toMatchObject({ what: '到场报到', who: '城管局 陈', note: '定位签到 · 距约定地点 41 米 · 晚到 · 备注' })
  })

  it('names the system and survives facts of other shapes', () => {
    expect(lineOf(event({ actor: 'SYSTEM', action: 'check_in', data: { mode: 'TELEPATHY', distance_m: 'far', late: 'yes' } }))).toMatchObject({ who: '系统', what: 'check_in', note: '' })
  })
})

describe('etaOf', () => {
  const events = [event({ unit: 'A', data: { eta_minutes: 10 } }), event({ seq: 2, unit: 'B', data: {} }), event({ seq: 3, unit: 'A', at: '2026-06-08T10:00:00+08:00', data: { eta_minutes: 20 } })]
  it('takes the latest answer of the unit', () => expect(etaOf(events, 'A')).toBe('2026-06-08T02:20:00.000Z'))
  it('knows nothing where nothing was said', () => expect([etaOf(events, 'B'), etaOf(events, 'C')]).toEqual([undefined, undefined]))
})

describe('filters of the task list', () => {
  const now = Date.parse('2026-06-08T09:00:00+08:00')
  const task = (over: Partial<Task>) => ({ task: 'HANDLE', due_at: null, task_due: null, ...over }) as Task

  it('counts the due of the task before that of the case', () => {
    const t = task({ due_at: '2026-06-08T08:00:00+08:00', task_due: '2026-06-08T10:00:00+08:00' })
    expect(dueOf(t)).toBe(t.task_due)
    expect(matches(t, 'overdue', now)).toBe(false)
    expect(matches(task({ due_at: '2026-06-08T08:59:59+08:00' }), 'overdue', now)).toBe(true)
    expect(matches(task({}), 'overdue', now)).toBe(false)
  })

  it('takes all three sides of a call', () => {
    expect(['ACK', 'CHECK_IN', 'CALL', 'SIGN'].map((k) => matches(task({ task: k as Task['task'] }), 'call', now))).toEqual([true, true, true, false])
  })
})
