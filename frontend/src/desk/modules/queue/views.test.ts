import { expect, it } from 'vitest'
import { isView, keptQuery } from './views'

it('keeps filters, not the language nor what is empty', () => {
  expect(keptQuery({ tab: 'overdue', street: '350102004', lang: 'en', empty: '', list: ['a'] })).toEqual({ tab: 'overdue', street: '350102004' })
})

it('knows whether the address is a view', () => {
  const view = { query: { tab: 'overdue' } }
  expect(isView(view, { tab: 'overdue', lang: 'en' })).toBe(true)
  expect(isView(view, { tab: 'overdue', street: '1' })).toBe(false)
  expect(isView(view, {})).toBe(false)
})
