import { beforeEach, expect, it } from 'vitest'
import { dropView, isView, keepView, views } from './views'

beforeEach(() => { for (const v of [...views.value]) dropView(v.name) })

it('keeps filters under a name, replaces by name, forgets', () => {
  keepView('东街超时', { tab: 'overdue', street: '350102004', lang: 'en', empty: '', list: ['a'] })
  expect(views.value).toEqual([{ name: '东街超时', query: { tab: 'overdue', street: '350102004' } }])
  keepView('东街超时', { tab: 'call' })
  expect(views.value).toHaveLength(1)
  expect(JSON.parse(localStorage.getItem('yixian.desk.views')!)).toEqual(views.value)
  dropView('东街超时')
  expect(views.value).toEqual([])
})

it('knows whether the address is a view', () => {
  const view = { name: 'x', query: { tab: 'overdue' } }
  expect(isView(view, { tab: 'overdue', lang: 'en' })).toBe(true)
  expect(isView(view, { tab: 'overdue', street: '1' })).toBe(false)
  expect(isView(view, {})).toBe(false)
})
