import { expect, it } from 'vitest'
import adminEn from './i18n/adminEn'
import adminZh from './i18n/adminZh'
import configEn from './i18n/configEn'
import configZh from './i18n/configZh'
import en from './i18n/en'
import noticesEn from './i18n/noticesEn'
import noticesZh from './i18n/noticesZh'
import officeEn from './i18n/officeEn'
import officeZh from './i18n/officeZh'
import pointsEn from './i18n/pointsEn'
import pointsZh from './i18n/pointsZh'
import { term } from './i18n'
import zh from './i18n/zh'
import { budgetText, clockSeconds, lightOf } from './words'

it('reads budgets of the working calendar', () => {
  expect(budgetText('4WH')).toBe('4 工作小时')
  expect(budgetText('5WD')).toBe('5 工作日')
  expect(budgetText('soon')).toBe('soon')
  expect(budgetText(undefined)).toBe('')
})

it('turns red by itself once the instant has passed, never back', () => {
  const due = '2026-06-08T09:00:00+08:00'
  expect(lightOf('green', due, Date.parse(due) - 1)).toBe('green')
  expect(lightOf('green', due, Date.parse(due) + 1)).toBe('red')
  expect(lightOf('red', null, 0)).toBe('red')
})

it('shows an unknown code by the label of the server, else as it is', () => {
  expect(term('action', 'file', 'File')).toBe('立案')
  expect(term('action', 'teleport', '传送')).toBe('传送')
  expect(term('action', 'teleport')).toBe('teleport')
})

it('keeps the same placeholders in both languages', () => {
  const holes = (s: string) => (s.match(/\{\w+\}/g) ?? []).sort()
  const all: [Record<string, string>, Record<string, string>][] = [[zh, en], [adminZh, adminEn], [configZh, configEn], [noticesZh, noticesEn], [officeZh, officeEn], [pointsZh, pointsEn]]
  for (const [first, second] of all) for (const key of Object.keys(first)) expect(holes(second[key]!), key).toEqual(holes(first[key]!))
})

it('tells the time of the district, not of the device', () => {
  expect(clockSeconds('2026-06-08T01:41:20Z')).toBe('09:41:20')
})
