import { describe, expect, it } from 'vitest'
import { canFill, missing, toBody, toInstant, toLocal, type Field } from './actionBody'

const f = (name: string, type: Field['type'], required = false): Field => ({ name, type, required })

describe('toBody', () => {
  it('leaves out what is empty and carries the version', () => {
    const fields = [f('matter', 'matter'), f('grid', 'text'), f('priority', 'choice'), f('assists', 'units')]
    expect(toBody(fields, { matter: '06010', grid: '  ', priority: undefined, assists: [] }, 7)).toEqual({ version: 7, matter: '06010' })
  })

  it('writes times as instants of the district and numbers as numbers', () => {
    const body = toBody([f('accepted_at', 'time', true), f('eta_minutes', 'int')], { accepted_at: '2026-06-08T09:05', eta_minutes: '20' }, 1, ' 好 ')
    expect(body).toEqual({ version: 1, accepted_at: '2026-06-08T09:05:00+08:00', eta_minutes: 20, note: '好' })
  })

  it('sends an unticked box only where an answer is asked for', () => {
    expect(toBody([f('remote_allowed', 'bool')], { remote_allowed: false }, 1)).toEqual({ version: 1 })
    expect(toBody([f('resolved', 'bool', true)], {}, 1)).toEqual({ version: 1, resolved: false })
    expect(toBody([f('remote_allowed', 'bool')], { remote_allowed: true }, 1)).toEqual({ version: 1, remote_allowed: true })
  })

  it('keeps zero minutes: it is an answer', () => {
    expect(toBody([f('eta_minutes', 'int')], { eta_minutes: 0 }, 1)).toEqual({ version: 1, eta_minutes: 0 })
  })
})

describe('missing', () => {
  it('lists required fields in the order of the form', () => {
    const fields = [f('outcome', 'choice', true), f('talked_to', 'text', true), f('media_ids', 'photos', true), f('note2', 'text')]
    expect(missing(fields, { talked_to: '   ', media_ids: [] })).toEqual(['outcome', 'talked_to', 'media_ids'])
    expect(missing(fields, { outcome: 'RESOLVED', talked_to: '林女士', media_ids: ['m'] })).toEqual([])
  })

  it('wants exactly a lead among the targets', () => {
    const fields = [f('targets', 'targets', true)]
    expect(missing(fields, { targets: [{ unit: 'D-CG', lead: false }] })).toEqual(['targets'])
    expect(missing(fields, { targets: [{ unit: 'D-CG', lead: true }] })).toEqual([])
  })
})

describe('lists', () => {
  const whole = { unit: 'D-CG', text: ' 清运 ', budget: '2WH' }

  it('send what says something', () => {
    const fields = [f('participants', 'texts', true), f('tasks', 'tasks'), f('verdicts', 'verdicts')]
    const body = toBody(fields, { participants: [' 张三 ', '', ' '], tasks: [whole, {}, { text: ' ' }], verdicts: [{ unit: 'D-JS', founded: false }, { unit: 'D-CG', founded: undefined }] }, 1)
    expect(body).toEqual({ version: 1, participants: ['张三'], tasks: [{ ...whole, text: '清运' }], verdicts: [{ unit: 'D-JS', founded: false }] })
    expect(toBody(fields, { participants: [''], tasks: [{}], verdicts: [] }, 1)).toEqual({ version: 1 })
  })

  it('want a line where one is asked for, and whole tasks even where none is', () => {
    expect(missing([f('participants', 'texts', true)], { participants: ['', '  '] })).toEqual(['participants'])
    expect(missing([f('tasks', 'tasks')], { tasks: [whole, {}] })).toEqual([])
    for (const flaw of [{ unit: undefined }, { text: ' ' }, { budget: undefined }]) expect(missing([f('tasks', 'tasks')], { tasks: [{ ...whole, ...flaw }] })).toEqual(['tasks'])
  })
})

it('does not offer an action that needs an input this page lacks', () => {
  expect(canFill([f('seal', 'seal' as never, true)])).toBe(false)
  expect(canFill([f('seal', 'seal' as never), f('text', 'longtext', true)])).toBe(true)
})

it('goes between the wall clock and instants without drifting', () => {
  expect(toLocal('2026-06-08T01:05:00Z')).toBe('2026-06-08T09:05')
  expect(toLocal(toInstant('2026-12-31T23:59'))).toBe('2026-12-31T23:59')
})
