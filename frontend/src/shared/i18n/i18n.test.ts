import { afterEach, describe, expect, it } from 'vitest'
import { defineMessages, locale, setLocale, startI18n } from './index'
import enKit from './en'
import zhKit from './zh'
import en from '../../resident/i18n/en'
import enFollow from '../../resident/i18n/enFollow'
import zh from '../../resident/i18n/zh'
import zhFollow from '../../resident/i18n/zhFollow'

const t = defineMessages({ hello: '您好，{name}', plain: '好' }, async () => ({ default: { hello: 'Hello {name}', plain: 'Good' } }))

afterEach(async () => {
  await setLocale('zh')
  localStorage.clear()
})

describe('t()', () => {
  it('fills names and leaves unknown ones alone', () => {
    expect(t('hello', { name: '李' })).toBe('您好，李')
    expect(t('hello', { other: 1 })).toBe('您好，{name}')
  })
  it('switches every catalogue, the page language and the memory of the device', async () => {
    await setLocale('en')
    expect([t('plain'), document.documentElement.lang, localStorage.getItem('yixian.locale')]).toEqual(['Good', 'en', 'en'])
  })
  it('starts in Chinese whatever the browser speaks, unless asked', async () => {
    await startI18n('')
    expect(locale.value).toBe('zh')
    await startI18n('?lang=en')
    expect(locale.value).toBe('en')
    await startI18n('?lang=fr')
    expect(locale.value).toBe('en')
  })
})

describe.each([
  ['kit', zhKit, enKit],
  ['report', zh, en],
  ['follow', zhFollow, enFollow],
])('catalogue %s', (_name, chinese, english) => {
  it('uses the same parameters in both languages', () => {
    const params = (s: string) => (s.match(/\{\w+\}/g) ?? []).sort()
    for (const [key, text] of Object.entries(chinese)) expect([key, params((english as Record<string, string>)[key]!)]).toEqual([key, params(text)])
  })
})
