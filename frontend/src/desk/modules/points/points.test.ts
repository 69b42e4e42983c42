import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { enableAutoUnmount, flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Component } from 'vue'
import { createMemoryHistory, createRouter } from 'vue-router'
import { codeOf } from './code'
import HandOverPage from './HandOverPage.vue'
import RewardsPage from './RewardsPage.vue'

enableAutoUnmount(afterEach)
const json = (status: number, body: unknown) => new Response(JSON.stringify(body), { status, headers: { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' } })
const problem = (status: number, code: string, detail: string, more: object = {}) => json(status, { type: 'about:blank', title: code, status, code, detail, ...more })
let rewards: object[]
let answers: (() => Response | Promise<Response>)[]
let sent: { method: string; path: string; body: Record<string, unknown> }[]

beforeEach(() => {
  rewards = []
  answers = []
  sent = []
  vi.stubGlobal('fetch', vi.fn(async (r: Request) => {
    if (r.method === 'GET') return json(200, { items: rewards })
    sent.push({ method: r.method, path: new URL(r.url).pathname.replace('/api/v1', ''), body: (await r.json()) as Record<string, unknown> })
    return answers.shift()!()
  }))
})
afterEach(() => vi.unstubAllGlobals())

async function open(page: Component, path = '/') {
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/', component: page }] })
  await router.push(path)
  const w = mount(page, { attachTo: document.body, global: { plugins: [router, [VueQueryPlugin, { queryClient: new QueryClient({ defaultOptions: { queries: { retry: false } } }) }]] } })
  await flushPromises()
  return w
}

describe('the code', () => {
  it.each([['7k3m q9px', '7K3MQ9PX'], ['7K3M-Q9PX', '7K3MQ9PX'], ['７Ｋ３Ｍ　Ｑ９ＰＸ', '7K3MQ9PX'], ['OIL23456', '01123456'], ['7K3MQ9P', undefined], ['7K3MQ9PU', undefined], ['', undefined]])('%s → %s', (typed, code) => expect(codeOf(typed)).toBe(code))
})

describe('handing over', () => {
  const handed = { id: 'd1', reward_name: '保温杯', place: '便民服务中心', cost: 30, code: '7K3MQ9PX', state: 'HANDED', made_at: '2026-06-08T09:00:00+08:00', expires_at: '2026-07-08T09:00:00+08:00', done_at: '2026-06-09T09:00:00+08:00' }
  const enter = async (w: Awaited<ReturnType<typeof open>>, code: string) => {
    await w.find('#hand-code').setValue(code)
    await w.find('form').trigger('submit')
    await flushPromises()
  }

  it('sends one code once, however often Enter is pressed, and says what to hand over', async () => {
    const w = await open(HandOverPage)
    let answer!: (r: Response) => void
    answers.push(() => new Promise<Response>((ok) => (answer = ok)))
    await enter(w, '7k3m-q9px')
    await w.find('form').trigger('submit')
    await flushPromises()
    expect(sent).toEqual([{ method: 'POST', path: '/points/hand_over', body: { code: '7K3MQ9PX' } }])
    answer(json(200, handed))
    await flushPromises()
    expect(w.find('[role=status]').text()).toMatch(/请交给对方.*保温杯.*便民服务中心/)
    expect((w.find('#hand-code').element as HTMLInputElement).value).toBe('')
    expect(document.activeElement?.id).toBe('hand-code')
  })

  it('says why not, and takes the thing that was shown before away', async () => {
    const w = await open(HandOverPage)
    answers.push(() => json(200, handed), () => problem(409, 'DONE', '这个兑换码已经用过、取消或过期', { state: 'CANCELLED' }), () => problem(404, 'NOT_FOUND', '没有找到'))
    await enter(w, '7K3MQ9PX')
    await enter(w, '7K3MQ9PX')
    expect(w.find('[role=alert]').text()).toContain('居民已取消')
    expect(w.find('[role=status]').text()).toBe('')
    await enter(w, 'AAAAAAAA')
    expect(w.find('[role=alert]').text()).toContain('没有这个兑换码')
    await enter(w, 'short')
    expect(w.find('[role=alert]').text()).toContain('8 位')
    expect(sent).toHaveLength(3)
  })

  it('tells apart a code that was used from one whose answer was lost', async () => {
    const w = await open(HandOverPage)
    const used = () => problem(409, 'DONE', '这个兑换码已经用过、取消或过期', { state: 'HANDED' })
    answers.push(used, () => problem(503, 'BUSY', '忙'), used)
    await enter(w, '7K3MQ9PX')
    expect(w.find('[role=alert]').text()).not.toContain('网络中断')
    await enter(w, '7K3MQ9PX')
    await enter(w, '7K3MQ9PX')
    expect(w.find('[role=alert]').text()).toContain('网络中断')
  })
})

describe('rewards', () => {
  const cup = { id: 'r1', name: '保温杯', name_en: 'Cup', place: '便民服务中心', cost: 30, stock: 5, active: true, version: 3 }

  it('names what is wrong, then adds one', async () => {
    const w = await open(RewardsPage, '/?open=new')
    await w.find('form').trigger('submit')
    expect(w.findAll('[role=alert] li')).toHaveLength(3)
    await w.find('#reward-name').setValue('雨伞')
    await w.find('#reward-cost').setValue('0')
    await w.find('#reward-stock').setValue('10')
    await w.find('form').trigger('submit')
    expect(w.findAll('[role=alert] a').map((a) => a.attributes('href'))).toEqual(['#reward-cost'])
    expect(sent).toHaveLength(0)
    await w.find('#reward-cost').setValue('50')
    answers.push(() => {
      rewards = [{ ...cup, id: 'r2', name: '雨伞', cost: 50, stock: 10 }]
      return json(201, rewards[0])
    })
    await w.find('form').trigger('submit')
    await flushPromises()
    expect(sent[0]).toEqual({ method: 'POST', path: '/admin/rewards', body: { name: '雨伞', name_en: '', place: '', cost: 50, stock: 10, active: true } })
    expect(w.find('table').text()).toContain('雨伞')
  })

  it('a save that came too late keeps what was typed, reads the rest again and saves with the new version', async () => {
    rewards = [cup]
    const w = await open(RewardsPage, '/?open=r1')
    await w.find('#reward-cost').setValue('40')
    answers.push(() => {
      rewards = [{ ...cup, stock: 4, version: 4 }]
      return problem(409, 'STALE', '这一项刚被改动或兑换过，请重新打开后再改', { version: 4 })
    }, () => json(200, { ...cup, cost: 40, stock: 4, version: 5 }))
    await w.find('form').trigger('submit')
    await flushPromises()
    expect(w.find('[role=alert]').text()).toContain('现在库存 4')
    expect((w.find('#reward-stock').element as HTMLInputElement).value).toBe('4')
    expect((w.find('#reward-cost').element as HTMLInputElement).value).toBe('40')
    await w.find('form').trigger('submit')
    await flushPromises()
    expect(sent.map((s) => s.body)).toMatchObject([{ cost: 40, stock: 5, version: 3 }, { cost: 40, stock: 4, version: 4 }])
    expect(w.find('dialog').exists()).toBe(false)
  })
})
