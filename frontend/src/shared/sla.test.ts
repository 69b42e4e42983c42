import { effectScope, nextTick } from 'vue'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { noteServerTime, serverNow } from './clock'
import { clockText, countdown, remainingText, spanText, useCountdown } from './sla'

const MIN = 60_000
const at = (ms: number) => new Date(ms).toISOString()

describe('words of a span', () => {
  it.each([
    [0, '不到 1 分'], [59_999, '不到 1 分'], [MIN, '1 分'], [59 * MIN, '59 分'], [60 * MIN, '1 时'], [65 * MIN, '1 时 5 分'],
    [24 * 60 * MIN, '1 天'], [(24 * 60 + 61) * MIN, '1 天 1 时'], [(3 * 1440 + 59) * MIN, '3 天'],
  ])('%i ms → %s', (ms, text) => expect(spanText(ms)).toBe(text))

  it('says which side of the due instant it is', () => {
    expect(remainingText(at(18 * MIN), 0)).toBe('剩 18 分')
    expect(remainingText(at(0), 4 * MIN)).toBe('超时 4 分')
    expect(remainingText(at(0), 0)).toBe('剩 不到 1 分')
  })

  it('shows a clock with + once overdue', () => {
    expect(clockText(at(23 * MIN + 19_000), 0)).toBe('23:19')
    expect(clockText(at(0), 3 * MIN + 10_000)).toBe('+03:10')
    expect(clockText(at(61 * MIN), 0)).toBe('1:01:00')
  })
})

describe('lights', () => {
  const start = at(0)
  const due = at(100 * MIN)
  it.each([[0, 'green'], [79, 'green'], [80, 'yellow'], [100, 'yellow'], [100.1, 'red']])('after %f of 100 min: %s', (used, light) => {
    expect(countdown(due, used * MIN, start).light).toBe(light)
  })
  it('keeps the part between 0 and 1, also before the start and without one', () => {
    expect(countdown(due, -50 * MIN, start).part).toBe(1)
    expect(countdown(due, 25 * MIN, start).part).toBeCloseTo(0.75)
    expect(countdown(due, 200 * MIN, start).part).toBe(0)
    expect(countdown(due, 99 * MIN).part).toBe(1)
  })
})

describe("the server's clock", () => {
  beforeEach(() => vi.useFakeTimers({ now: 1_000_000 }))
  afterEach(() => {
    noteServerTime(at(Date.now()))
    vi.useRealTimers()
  })

  it('is kept as an offset; nonsense changes nothing', () => {
    noteServerTime(at(1_000_000 + 7 * MIN))
    expect(serverNow()).toBe(1_000_000 + 7 * MIN)
    noteServerTime('soon')
    expect(serverNow()).toBe(1_000_000 + 7 * MIN)
  })

  it('drives every countdown by one ticker, which stops with the last of them', async () => {
    noteServerTime(at(1_000_000))
    const due = at(1_000_000 + 2 * MIN)
    const scopes = [effectScope(), effectScope()]
    const [a, b] = scopes.map((s) => s.run(() => useCountdown(due))!)
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(90_000)
    await nextTick()
    expect(a!.value?.clock).toBe('00:30')
    expect(b!.value?.clock).toBe('00:30')
    scopes.forEach((s) => s.stop())
    expect(vi.getTimerCount()).toBe(0)
  })
})
