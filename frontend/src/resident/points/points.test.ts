import { enableAutoUnmount, flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { me, type Me } from '@/shared/session'
import PointsPage from '../pages/PointsPage.vue'

enableAutoUnmount(afterEach)
const json = (status: number, body: unknown) => new Response(JSON.stringify(body), { status, headers: { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' } })
const problem = (code: string, detail: string) => json(409, { type: 'about:blank', title: code, status: 409, code, detail })
const cup = { id: '0197a000-0000-7000-8000-000000000001', name: '保温杯', place: '便民服务中心', cost: 30, stock: 2, active: true, version: 3 }
const code = { id: 'd1', reward_name: '保温杯', place: '便民服务中心', cost: 30, code: '7K3MQ9PX', state: 'OPEN', made_at: '2126-06-08T09:00:00+08:00', expires_at: '2126-07-08T09:00:00+08:00' }
const move = (id: string, kind: string, change: number, more: object = {}) => ({ id, at: '2026-06-08T09:00:00+08:00', kind, change, ...more })
let account: { balance: number; items: object[]; next_cursor?: string }
let rewards: object[]
let redemptions: object[]
let answers: (() => Response)[]
let posts: { path: string; key: string | null; body: string }[]
let cursors: (string | null)[]

beforeEach(() => {
  account = { balance: 40, items: [move('e1', 'REPORT', 10, { matter_name: '井盖', receipt_code: 'AB12CD34' }), move('e2', 'FALSE', -10)], next_cursor: 'c2' }
  rewards = [cup, { ...cup, id: 'x2', name: '雨伞', cost: 55 }, { ...cup, id: 'x3', name: '毛巾', cost: 5, stock: 0 }]
  redemptions = []
  answers = []
  posts = []
  cursors = []
  me.value = { user: { kind: 'RESIDENT' }, roles: ['RESIDENT'] } as unknown as Me
  vi.stubGlobal('fetch', vi.fn(async (r: Request) => {
    const url = new URL(r.url)
    const path = url.pathname.replace('/api/v1', '')
    if (r.method === 'POST') {
      posts.push({ path, key: r.headers.get('Idempotency-Key'), body: await r.text() })
      return answers.shift()!()
    }
    if (path === '/points/rewards') return json(200, { items: rewards })
    if (path === '/points/redemptions') return json(200, { items: redemptions })
    cursors.push(url.searchParams.get('cursor'))
    if (url.searchParams.get('cursor')) return json(200, { balance: 40, earned: 10, month_cap: 100, per_report: 10, items: [move('e3', 'BACK', 30, { reward_name: '保温杯' })] })
    return json(200, { earned: 10, month_cap: 100, per_report: 10, ...account })
  }))
})
afterEach(() => vi.unstubAllGlobals())

async function open() {
  const w = mount(PointsPage, { attachTo: document.body })
  await flushPromises()
  return w
}
type Page = Awaited<ReturnType<typeof open>>
const press = async (w: Page, text: string) => {
  await w.findAll('button').find((b) => b.text() === text)!.trigger('click')
  await flushPromises()
}

it('shows the balance, what is within reach, and every movement with its sign', async () => {
  const w = await open()
  expect(w.find('.balance').text()).toBe('40')
  expect(w.text()).toContain('本月已得 10 / 上限 100')
  expect(w.text()).toContain('与积分多少无关')
  expect(w.findAll('button').filter((b) => b.text() === '兑换')).toHaveLength(1)
  expect(w.text()).toContain('还差 15 分')
  expect(w.text()).toContain('已换完')
  expect(w.findAll('.change').map((c) => c.text())).toEqual(['+10', '\u221210'])
  await press(w, '加载更多')
  expect(cursors).toEqual([null, 'c2'])
  expect(w.findAll('.change').map((c) => c.text())).toEqual(['+10', '\u221210', '+30'])
  expect(w.text()).toContain('退回 · 保温杯')
})

it('asks before it takes, once for each opened sheet, and then shows the code', async () => {
  const w = await open()
  await press(w, '兑换')
  expect(posts).toHaveLength(0)
  expect(w.find('dialog').text()).toContain('用 30 分兑换“保温杯”，兑换后还有 10 分')
  answers.push(() => json(503, { type: 'about:blank', title: '忙', status: 503, code: 'BUSY' }), () => {
    account = { balance: 10, items: [] }
    redemptions = [code]
    return json(201, code)
  })
  await press(w, '确认兑换')
  await press(w, '确认兑换')
  expect(posts.map((p) => [p.path, p.body])).toEqual([0, 1].map(() => ['/points/redemptions', JSON.stringify({ reward_id: cup.id })]))
  expect(posts[0]!.key).toMatch(/^[0-9a-f-]{36}$/)
  expect(posts[1]!.key).toBe(posts[0]!.key)
  expect(w.find('.balance').text()).toBe('10')
  expect(w.find('.big').text()).toContain('7K3M Q9PX')
  expect(w.find('.qr-code').attributes('aria-label')).toContain('7K3M Q9PX')
  expect(document.activeElement?.id).toBe('points-codes')
})

it('says by the server’s words why it was refused, and a sheet that is opened again has a key of its own', async () => {
  const w = await open()
  await press(w, '兑换')
  answers.push(() => problem('SOLD_OUT', '这一项已经换完了，请看看别的'), () => problem('POINTS_SHORT', '积分不够：需要 30 分，现有 20 分'))
  await press(w, '确认兑换')
  expect(w.find('[role=alert]').text()).toContain('这一项已经换完了')
  await press(w, '关闭')
  await press(w, '兑换')
  expect(w.find('[role=alert]').exists()).toBe(false)
  await press(w, '确认兑换')
  expect(w.find('[role=alert]').text()).toContain('需要 30 分，现有 20 分')
  expect(posts[1]!.key).not.toBe(posts[0]!.key)
})

it('gives back what waits, and offers no such thing for what is over', async () => {
  redemptions = [code, { ...code, id: 'd2', reward_name: '雨衣', state: 'HANDED' }, { ...code, id: 'd3', reward_name: '水壶', expires_at: '2020-01-01T00:00:00+08:00' }]
  const w = await open()
  expect(w.findAll('.qr-code')).toHaveLength(1)
  expect(w.find('details').text()).toMatch(/雨衣.*已领取.*水壶.*已过期/)
  await press(w, '取消兑换')
  answers.push(() => problem('DONE', '这一项已经领取或过期，不能取消'), () => {
    redemptions = [{ ...code, state: 'CANCELLED' }]
    return json(200, redemptions[0])
  })
  await press(w, '确认取消')
  expect(w.find('[role=alert]').text()).toContain('不能取消')
  await press(w, '确认取消')
  expect(posts[1]!.path).toBe('/points/redemptions/d1/cancel')
  expect(w.find('.qr-code').exists()).toBe(false)
  expect(w.find('details').text()).toContain('已取消')
})

it('sends a guest to the sign-in and asks the server for nothing', async () => {
  me.value = { user: { kind: 'GUEST' }, roles: [] } as unknown as Me
  const w = await open()
  expect(w.find('a[href="/me"]').text()).toBe('去登录')
  expect(fetch).not.toHaveBeenCalled()
})
