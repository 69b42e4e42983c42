import 'fake-indexeddb/auto'
import { IDBFactory } from 'fake-indexeddb'
import { effectScope, nextTick, type EffectScope } from 'vue'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Schemas } from '@/shared/api/client'
import { entries } from '@/shared/outbox/outbox'
import { me } from '@/shared/session'
import { closeStore, drafts } from '@/shared/store'
import { receipt } from './receipt'
import { useReport, type Report } from './useReport'

type Answer = { status: number; body: unknown } | 'offline'
let answers: Record<string, Answer[]>
let sent: Array<{ path: string; key: string | null; body: Record<string, unknown> }>
let scopes: EffectScope[]
let done: ReturnType<typeof vi.fn<() => void>>

const person = (kind: 'GUEST' | 'RESIDENT') => ({ user: { id: '1', kind, display_name: '居民', roles: [] }, roles: [], grids: [], tenant: { code: '350102', name: '鼓楼区' }, server_time: new Date().toISOString() }) as Schemas['Me']
const created = { report_id: 'r', receipt_code: '7K3MQ9PX', track_token: 't'.repeat(32), case_id: 'c', case_state: 'SUBMITTED', grid_code: 'g', duplicates: [] }

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory()
  sessionStorage.clear()
  sent = []
  scopes = []
  answers = {}
  done = vi.fn<() => void>()
  me.value = person('RESIDENT')
  vi.stubGlobal('fetch', vi.fn(async (input: Request | string, init?: RequestInit) => {
    const request = typeof input === 'string' ? new Request(location.origin + input, init) : input
    const path = new URL(request.url).pathname.replace('/api/v1', '')
    if (request.method === 'POST') sent.push({ path, key: request.headers.get('Idempotency-Key'), body: JSON.parse((await request.text()) || '{}') as Record<string, unknown> })
    const list = answers[path] ?? []
    const answer = (list.length > 1 ? list.shift() : list[0]) ?? { status: 404, body: { code: 'NOT_FOUND' } }
    if (answer === 'offline') throw new TypeError('Failed to fetch')
    return new Response(JSON.stringify(answer.body), { status: answer.status, headers: { 'Content-Type': 'application/json' } })
  }))
})
afterEach(async () => {
  scopes.forEach((s) => s.stop())
  entries.value = []
  await closeStore()
  vi.unstubAllGlobals()
})

function start(): Report {
  const scope = effectScope()
  scopes.push(scope)
  return scope.run(() => useReport(done))!
}
const reports = () => sent.filter((s) => s.path === '/reports')
function write(report: Report) {
  Object.assign(report.form, { text: '井盖翘起来了', point: { lon: 119.308, lat: 26.0875, source: 'map' }, address: ' 津泰路 12 号旁 ' })
}

describe('a report', () => {
  it('is checked before it is sent, each line leading to its control', async () => {
    me.value = person('GUEST')
    const report = start()
    await report.submit()
    expect(report.errors.value.map((e) => e.field)).toEqual(['photos', 'place', 'phone', 'code'])
    expect(sent).toEqual([])
    // What is mended is said no longer; the others stay.
    write(report)
    await nextTick()
    expect(report.errors.value.map((e) => e.field)).toEqual(['phone', 'code'])
  })

  it('is sent with its point in WGS-84 and leaves a receipt and no draft', async () => {
    answers['/reports'] = [{ status: 201, body: created }]
    // The phone's clock is a day ahead of the server's: what happened now must not lie in the future.
    const server = Date.now() - 86_400_000
    answers['/me'] = [{ status: 200, body: { ...person('RESIDENT'), server_time: new Date(server).toISOString() } }]
    const report = start()
    write(report)
    await report.submit()
    await vi.waitFor(() => expect(done).toHaveBeenCalledTimes(1))
    expect(reports()[0]!.body).toMatchObject({ text: '井盖翘起来了', address: '津泰路 12 号旁', point: { lon: 119.308, lat: 26.0875, datum: 'WGS84' } })
    expect(reports()[0]!.body.point).not.toHaveProperty('source')
    expect(Date.parse(reports()[0]!.body.occurred_at as string)).toBeLessThanOrEqual(server + 60_000)
    expect(receipt.value?.receipt_code).toBe('7K3MQ9PX')
    expect(await drafts.get('report')).toBeUndefined()
    report.dispose()
  })

  it('waits without a network and goes out once, under the same key', async () => {
    answers['/reports'] = ['offline', { status: 201, body: created }]
    const report = start()
    write(report)
    const { key } = report.form
    await report.submit()
    expect(report.waiting.value?.id).toBe(key)
    expect(report.errors.value).toEqual([])
    await report.sendNow()
    await vi.waitFor(() => expect(done).toHaveBeenCalledTimes(1))
    expect(reports().map((s) => s.key)).toEqual([key, key])
    report.dispose()
  })

  it('can be taken back into the form while it waits', async () => {
    answers['/reports'] = ['offline']
    const report = start()
    write(report)
    const { key } = report.form
    await report.submit()
    await report.edit()
    expect(report.waiting.value).toBeUndefined()
    expect(report.form.text).toBe('井盖翘起来了')
    expect(report.form.key).not.toBe(key)
    report.dispose()
  })

  it('comes back after the browser was killed', async () => {
    const before = start()
    write(before)
    await before.save()
    before.dispose()
    const after = start()
    await after.restore()
    expect(after.restored.value).toBe(true)
    expect([after.form.text, after.form.key, after.form.code]).toEqual(['井盖翘起来了', before.form.key, ''])
    after.dispose()
  })

  it('shows a refusal at its control and tries again under a new key', async () => {
    answers['/reports'] = [{ status: 422, body: { code: 'OUT_OF_AREA', detail: '不在本区范围内' } }]
    const report = start()
    write(report)
    const { key } = report.form
    await report.submit()
    expect(report.errors.value).toEqual([{ field: 'place', text: '不在本区范围内' }])
    expect(report.waiting.value).toBeUndefined()
    expect(report.form.key).not.toBe(key)
    expect(report.form.text).toBe('井盖翘起来了')
    report.dispose()
  })

  it('leads a wrong code to the code', async () => {
    me.value = person('GUEST')
    answers['/auth/otp/verify'] = [{ status: 401, body: { code: 'CODE_WRONG', detail: '验证码不对' } }]
    const report = start()
    write(report)
    Object.assign(report.form, { phone: '13900000001', code: '000000' })
    await report.submit()
    expect(report.errors.value).toEqual([{ field: 'code', text: '验证码不对' }])
    expect(reports()).toEqual([])
    report.dispose()
  })

  it('of somebody not signed in is sent by itself when the network returns', async () => {
    me.value = person('GUEST')
    answers = { '/auth/otp/verify': ['offline', { status: 200, body: {} }], '/me': [{ status: 200, body: person('RESIDENT') }], '/reports': [{ status: 201, body: created }] }
    const report = start()
    write(report)
    Object.assign(report.form, { phone: '13900000001', code: '123456' })
    await report.submit()
    expect(report.errors.value[0]?.text).toContain('已保存')
    dispatchEvent(new Event('online'))
    await vi.waitFor(() => expect(done).toHaveBeenCalledTimes(1))
    expect(reports()).toHaveLength(1)
    report.dispose()
  })

  it('asks for the phone again when the session ended while the page was open', async () => {
    answers = { '/reports': [{ status: 401, body: { code: 'UNAUTHORIZED', detail: '请先登录' } }], '/me': [{ status: 200, body: person('GUEST') }] }
    const report = start()
    write(report)
    await report.submit()
    expect(report.signedIn.value).toBe(false)
    expect(report.errors.value).toEqual([{ field: 'phone', text: '请先登录' }])
    expect(report.form.text).toBe('井盖翘起来了')
    expect(report.waiting.value).toBeUndefined()
    report.dispose()
  })

  it('in another tab stays in the one place for drafts when this tab has sent its own', async () => {
    answers['/reports'] = [{ status: 201, body: created }]
    const other = start()
    Object.assign(other.form, { text: '路灯不亮' })
    await vi.waitFor(async () => expect(await drafts.get('report')).toBeDefined())
    const report = start()
    write(report)
    await report.submit()
    await vi.waitFor(() => expect(done).toHaveBeenCalledTimes(1))
    report.dispose()
    expect(other.form.text).toBe('路灯不亮')
    expect(await drafts.get('report')).toBeUndefined()
    dispatchEvent(new StorageEvent('storage', { key: 'yixian.report.sent', newValue: reports()[0]!.key }))
    await vi.waitFor(async () => expect(await drafts.get<{ text: string }>('report')).toMatchObject({ text: '路灯不亮' }))
    // Had it been the same draft, it would be said to be sent, and not be kept.
    expect(other.sentElsewhere.value).toBe(false)
    other.dispose()
  })

  it('knows the names of its place, and that another is outside', async () => {
    answers['/locate'] = [{ status: 200, body: { grid_code: 'g', grid: { code: 'g', name: '第03网格' } } }, { status: 404, body: { code: 'OUT_OF_AREA' } }]
    const report = start()
    write(report)
    await vi.waitFor(() => expect(report.place.value?.grid.name).toBe('第03网格'))
    report.form.point = { lon: 120, lat: 27, source: 'map' }
    await nextTick()
    await vi.waitFor(() => expect(report.outside.value).toBe(true))
    expect(report.check().map((e) => e.field)).toEqual(['place'])
    report.dispose()
  })
})
