import { expect, it } from 'vitest'
import { commonActions } from './bulk'

const may = (...actions: [string, ...{ name: string; type: string; required: boolean }[]][]) => ({ allowed_actions: actions.map(([action, ...fields]) => ({ action, label: action, fields })) }) as never

it('offers what needs nothing or one text, most common first, and no decision that is taken one by one', () => {
  const list = commonActions([
    may(['sign'], ['note', { name: 'text', type: 'longtext', required: true }], ['dispatch', { name: 'lead', type: 'unit', required: true }], ['void', { name: 'reason', type: 'text', required: true }]),
    may(['note', { name: 'text', type: 'longtext', required: true }], ['check_pass']),
  ])
  expect(list).toEqual([{ action: 'note', label: 'note', text: 'text', count: 2 }, { action: 'sign', label: 'sign', text: undefined, count: 1 }])
})
