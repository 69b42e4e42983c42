import { describe, expect, it } from 'vitest'
import { fromLocal, leadTarget, problems, toBody, toggleTarget, toLocal, type Field } from './values'

const field = (name: string, type: Field['type'], required = true): Field => ({ name, type, required, label: name })

describe('times', () => {
  it('shows the wall clock of the district wherever the phone is', () => {
    expect(toLocal('2026-06-08T23:30:00Z')).toBe('2026-06-09T07:30')
    expect(fromLocal('2026-06-09T07:30')).toBe('2026-06-09T07:30:00+08:00')
  })

  it('is its own inverse to the minute', () => {
    for (let minute = 0; minute < 3000; minute += 7) {
      const at = Date.UTC(2026, 11, 31, 20) + minute * 60_000
      expect(Date.parse(fromLocal(toLocal(at)))).toBe(at)
    }
  })
})

describe('problems', () => {
  it('names every required field that is empty, blank text included', () => {
    const found = problems([field('reason', 'longtext'), field('suggested_unit', 'unit'), field('note', 'text', false)], { reason: '  ' }, 0)
    expect(found.map((e) => e.field)).toEqual(['f-reason', 'f-suggested_unit'])
  })

  it('wants a photo, unless the check is by phone', () => {
    const fields = [field('media_ids', 'photos'), field('method', 'choice', false)]
    expect(problems(fields, { method: 'SITE' }, 0)).toHaveLength(1)
    expect(problems(fields, { method: 'SITE' }, 1)).toHaveLength(0)
    expect(problems(fields, { method: 'PHONE' }, 0)).toHaveLength(0)
  })

  it.each(['3WD', '4WH', '90NM', '1ND'])('takes the budget %s', (b) => expect(problems([field('budget', 'budget')], { budget: b }, 0)).toHaveLength(0))
  it.each(['3', 'WD', '0WD', '3 WD', '3wd', '3XX'])('refuses the budget %s', (b) => expect(problems([field('budget', 'budget')], { budget: b }, 0)).toHaveLength(1))
  it.each(['-1', '1.5', 'x', '123456'])('refuses the number %s', (n) => expect(problems([field('eta_minutes', 'int')], { eta_minutes: n }, 0)).toHaveLength(1))
})

describe('toBody', () => {
  it('leaves out what is empty, photos and unknown types; trims; converts', () => {
    const fields = [field('text', 'text'), field('n', 'int'), field('at', 'time'), field('ok', 'bool', false), field('media_ids', 'photos'), field('verdicts', 'verdicts'), field('none', 'text', false)]
    const body = toBody(fields, { text: ' a ', n: '20', at: '2026-06-08T09:00', ok: false, media_ids: ['x'], verdicts: [1], none: ' ', note: ' n ', stray: 1 })
    expect(body).toEqual({ text: 'a', n: 20, at: '2026-06-08T09:00:00+08:00', note: 'n' })
  })

  it('sends the lines and tasks that say something', () => {
    const fields = [field('participants', 'texts'), field('tasks', 'tasks', false)]
    const tasks = [{ key: 0, unit: 'D-CG', text: ' 清运 ', budget: '2WH' }, { key: 1, unit: '', text: ' ', budget: '' }]
    expect(toBody(fields, { participants: [' 张三 ', '', ' '], tasks })).toEqual({ participants: ['张三'], tasks: [{ unit: 'D-CG', text: '清运', budget: '2WH' }] })
    expect(toBody(fields, { participants: [''], tasks: [tasks[1]] })).toEqual({})
    expect(problems(fields, { participants: ['', ' '], tasks }, 0).map((e) => e.field)).toEqual(['f-participants'])
  })

  it.each([{ unit: '' }, { text: ' ' }, { budget: '2' }, { budget: '' }])('refuses a task with %o', (flaw) => {
    const task = { key: 0, unit: 'D-CG', text: '清运', budget: '2WH', ...flaw }
    expect(problems([field('tasks', 'tasks', false)], { tasks: [task] }, 0).map((e) => e.field)).toEqual(['f-tasks'])
  })

  it('sends a required yes/no also when it is no', () => {
    expect(toBody([field('founded', 'bool')], {})).toEqual({})
    expect(toBody([field('founded', 'bool')], { founded: false })).toEqual({ founded: false })
  })
})

describe('targets', () => {
  it('keep exactly one lead through any ticking', () => {
    let targets = toggleTarget([], 'A')
    expect(targets).toEqual([{ unit: 'A', lead: true }])
    targets = leadTarget(toggleTarget(targets, 'B'), 'B')
    expect(targets).toEqual([{ unit: 'A', lead: false }, { unit: 'B', lead: true }])
    targets = toggleTarget(targets, 'B')
    expect(targets).toEqual([{ unit: 'A', lead: true }])
    expect(toggleTarget(targets, 'A')).toEqual([])
  })
})
