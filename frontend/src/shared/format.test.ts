import { describe, expect, it } from 'vitest'
import { clock, distance, percent, receiptCode, when } from './format'

const now = Date.parse('2026-06-08T09:00:00+08:00')

describe('times on the wall clock of the district', () => {
  it.each([
    ['2026-06-08T01:02:00Z', '今天 09:02'],
    ['2026-06-08T00:00:00+08:00', '今天 00:00'],
    ['2026-06-07T23:59:00+08:00', '昨天 23:59'],
    ['2026-06-09T12:00:00+08:00', '明天 12:00'],
    ['2026-06-15T18:30:00+08:00', '6月15日 18:30'],
    ['2025-12-31T18:30:00+08:00', '2025年12月31日 18:30'],
  ])('%s → %s', (at, text) => expect(when(at, now)).toBe(text))
  it('does not follow the device', () => expect(clock('2026-06-08T16:05:00Z')).toBe('00:05'))
})

describe('figures', () => {
  it('never rounds a capped ratio up to 100 %', () => {
    expect(percent(0.9999)).toBe('99.99%')
    expect(percent(1)).toBe('100%')
    expect(percent(null)).toBe('—')
  })
  it('writes distances and receipt codes', () => {
    expect(distance(84.6)).toBe('85 米')
    expect(distance(1234)).toBe('1.2 公里')
    expect(receiptCode('7K3MQ9PX')).toBe('7K3M Q9PX')
    expect(receiptCode('short')).toBe('short')
  })
})
