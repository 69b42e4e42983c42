import { effectScope } from 'vue'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { endedEarly, timeline, toneOf } from './steps'
import { isUrgent } from './urgent'
import { unhappy, UNDO_S, useRating } from './useRating'
import { isToken, type View } from './useTrack'

describe('addresses', () => {
  it('name their page', async () => {
    const { match } = await import('./router')
    expect(match('/').nav).toBe('report')
    expect(match('/c').params).toEqual({})
    expect(match('/c/7K3MQ9PX')).toMatchObject({ nav: 'track', params: { code: '7K3MQ9PX' } })
    expect(match('/r/abc_DEF-1').params).toEqual({ token: 'abc_DEF-1' })
    expect(match('/me/points/').nav).toBe('mine')
    expect(match('/me/points').page).not.toBe(match('/me').page)
    expect(match('/c/a/b').page).toBe(match('/nowhere').page)
  })
  it('tells a link token from a receipt code', () => {
    expect([isToken('7K3MQ9PX'), isToken('f'.repeat(32)), isToken('A'.repeat(22))]).toEqual([false, true, true])
  })
})

describe('urgent words', () => {
  it.each([['楼道着火了', true], ['有人触电', true], ['路灯不亮', false], ['', false]])('%s → %s', (text, urgent) => expect(isUrgent(text)).toBe(urgent))
})

describe('timeline', () => {
  const now = Date.parse('2026-06-08T09:00:00+08:00')
  const view = (over: Partial<View>): View =>
    ({ state: 'HANDLING', status_text: '处理中', status_step: 2, timeline: [{ at: '2026-06-08T08:00:00+08:00', kind: 'SUBMIT', text: '已收到' }], promise_at: '2026-06-08T15:00:00+08:00', ...over }) as View
  it('has what happened, what is, and one step to come', () => {
    expect(timeline(view({}), now).map((s) => [s.label, s.state])).toEqual([['已收到', 'done'], ['处理中', 'now'], ['待核查', 'next']])
    expect(timeline(view({}), now)[1]!.note).toBe('预计 今天 15:00 前办结')
  })
  it('says once what happened last and stands now', () => {
    const sent = view({ status_text: '已派给南街街道', status_step: 1, timeline: [{ at: '2026-06-08T08:00:00+08:00', kind: 'SUBMIT', text: '已收到' }, { at: '2026-06-08T08:05:00+08:00', kind: 'ASSIGN', text: '已派给 南街街道' }] })
    expect(timeline(sent, now).map((s) => [s.label, s.state])).toEqual([['已收到', 'done'], ['已派给 南街街道', 'now'], ['处理中', 'next']])
  })
  it('promises nothing after an end', () => {
    for (const state of ['REJECTED', 'MERGED', 'VOIDED', 'ARCHIVED']) expect(timeline(view({ state }), now)).toHaveLength(1)
  })
  it('has a colour for each standing', () => {
    expect(['REJECTED', 'MERGED', 'VOIDED', 'ARCHIVED', 'CLOSED'].map(endedEarly)).toEqual([true, true, true, false, false])
    expect([toneOf(view({})), toneOf(view({ overdue: true })), toneOf(view({ state: 'CLOSED', status_step: 4 })), toneOf(view({ state: 'REJECTED', status_step: 5 })), toneOf(view({ state: 'SUSPENDED' }))]).toEqual(['blue', 'red', 'green', 'grey', 'amber'])
  })
})

describe('rating', () => {
  const happy = { contacted: true, resolved: true, grade: 5 as const }
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })
  function start(act = vi.fn(async () => undefined)) {
    const scope = effectScope()
    return { scope, act, rating: scope.run(() => useRating(() => 'tok', act))! }
  }

  it('posts a face after the undo window, once', async () => {
    const { scope, act, rating } = start()
    rating.choose(happy)
    await vi.advanceTimersByTimeAsync((UNDO_S - 1) * 1000)
    expect(act).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(5000)
    expect(act).toHaveBeenCalledTimes(1)
    expect(act).toHaveBeenCalledWith('rate', happy, expect.any(String))
    expect(rating.done.value).toEqual(happy)
    scope.stop()
  })

  it('posts nothing once undone', async () => {
    const { scope, act, rating } = start()
    rating.choose(happy)
    rating.undo()
    await vi.advanceTimersByTimeAsync(20_000)
    expect(act).not.toHaveBeenCalled()
    scope.stop()
  })

  it('sends a pending face when the page is left', () => {
    const fetch = vi.fn(async (_url: string, _init: RequestInit) => new Response('{}'))
    vi.stubGlobal('fetch', fetch)
    const { scope, rating } = start()
    rating.choose(happy)
    dispatchEvent(new Event('pagehide'))
    scope.stop()
    expect(fetch).toHaveBeenCalledTimes(1)
    expect(fetch.mock.calls[0]![0]).toBe('/api/v1/reports/tok/rate')
    expect(fetch.mock.calls[0]![1]).toMatchObject({ keepalive: true, body: JSON.stringify(happy) })
  })

  it('keeps the face and its key when the network fails', async () => {
    const act = vi.fn<(verb: string, body: unknown, key: string) => Promise<undefined>>().mockRejectedValueOnce(new TypeError('offline')).mockResolvedValueOnce(undefined)
    const { scope, rating } = start(act as never)
    rating.choose(happy)
    await rating.send()
    expect(rating.error.value?.code).toBe('NETWORK')
    await rating.send()
    expect(act.mock.calls[0]![2]).toBe(act.mock.calls[1]![2])
    expect(rating.done.value).toEqual(happy)
    scope.stop()
  })

  it('reopens only when asked to', () => {
    expect(unhappy(true, ['办得太慢'], ' 还在漏 ', false)).toEqual({ contacted: false, resolved: false, grade: 1, text: '办得太慢；还在漏' })
    expect(unhappy(false, [], '', true)).toEqual({ contacted: true, resolved: true, grade: 2 })
  })
})
