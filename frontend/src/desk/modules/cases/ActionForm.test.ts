import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Schemas } from '@/shared/api/client'
import ActionForm from './ActionForm.vue'
import type { Case } from './useCase'

const units = [{ code: 'D-CG', name: '区城管局', short_name: '区城管局', kind: 'DEPARTMENT' }, { code: 'D-JS', name: '区建设局', short_name: '区建设局', kind: 'DEPARTMENT' }]
const subject = { id: 'c1', version: 4, matter: '06001', created_at: '2026-06-08T09:00:00+08:00', requests: [], assignments: [], clocks: [], point: { lon: 119.3, lat: 26.08 }, proposal: { level: 'L2', targets: [{ unit: 'D-CG', lead: true }, { unit: 'D-JS', lead: false }] } } as unknown as Case
const call: Schemas['AllowedAction'] = {
  action: 'call', label: '一线呼叫',
  fields: [
    { name: 'level', type: 'choice', required: true, options: [{ value: 'L1', label: 'L1' }, { value: 'L2', label: 'L2' }] },
    { name: 'reason', type: 'choice', required: true, options: [{ value: 'NO_POWER', label: '无执法权' }] },
    { name: 'targets', type: 'targets', required: true },
  ],
}
const json = (status: number, body: unknown) => new Response(JSON.stringify(body), { status, headers: { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' } })
let posts: { key: string | null; body: unknown }[]
let answers: Response[]
let gets: URLSearchParams[]
let rows: object[]

beforeEach(() => {
  posts = []
  answers = []
  gets = []
  rows = []
  vi.stubGlobal('fetch', vi.fn(async (r: Request) => {
    if (r.url.endsWith('/units')) return json(200, { items: units })
    if (r.method === 'GET') {
      gets.push(new URL(r.url).searchParams)
      return json(200, { items: rows })
    }
    posts.push({ key: r.headers.get('Idempotency-Key'), body: await r.json() })
    return answers.shift()!
  }))
})
afterEach(() => vi.unstubAllGlobals())

async function open(action = call, more: object = {}) {
  const w = mount(ActionForm, { props: { modelValue: true, subject: { ...subject, ...more } as Case, action }, global: { plugins: [[VueQueryPlugin, { queryClient: new QueryClient() }]] }, attachTo: document.body })
  await flushPromises()
  return w
}

it('names what is missing, then sends the proposal with version and key', async () => {
  const w = await open()
  await w.find('form').trigger('submit')
  expect(w.find('[role=alert]').text()).toContain('理由')
  expect(posts).toHaveLength(0)
  answers.push(json(200, { ...subject, state: 'CALLING', version: 5 }))
  await w.find('input[value=NO_POWER]').setValue(true)
  await w.find('form').trigger('submit')
  await flushPromises()
  expect(posts[0]!.body).toEqual({ version: 4, level: 'L2', reason: 'NO_POWER', targets: [{ unit: 'D-CG', lead: true }, { unit: 'D-JS', lead: false }] })
  expect(posts[0]!.key).toMatch(/^[0-9a-f-]{36}$/)
  expect(w.emitted('done')).toHaveLength(1)
  w.unmount()
})

it('retries the same words under the same key, other words under another', async () => {
  const w = await open()
  await w.find('input[value=NO_POWER]').setValue(true)
  const busy = () => json(503, { type: 'about:blank', title: '忙', status: 503, code: 'BUSY' })
  answers.push(busy(), busy(), busy())
  for (let i = 0; i < 2; i++) { await w.find('form').trigger('submit'); await flushPromises() }
  await w.find('input[value=L1]').setValue(true)
  await w.find('form').trigger('submit')
  await flushPromises()
  expect(posts[1]!.key).toBe(posts[0]!.key)
  expect(posts[2]!.key).not.toBe(posts[0]!.key)
  w.unmount()
})

it('hands a stale case to the page and puts a field error at its field', async () => {
  const w = await open()
  await w.find('input[value=NO_POWER]').setValue(true)
  answers.push(json(409, { type: 'about:blank', title: 'x', status: 409, code: 'STALE', version: 5 }), json(422, { type: 'about:blank', title: 'x', status: 422, code: 'INVALID', errors: [{ pointer: '/targets/0/unit', detail: '单位已停用' }] }))
  await w.find('form').trigger('submit')
  await flushPromises()
  expect(w.emitted('stale')).toHaveLength(1)
  await w.find('form').trigger('submit')
  await flushPromises()
  expect(w.find('[role=alert] a').attributes('href')).toBe('#act-targets')
  w.unmount()
})

it('passes the lead on when the lead is unticked', async () => {
  const w = await open()
  answers.push(json(200, subject))
  await w.find('input[value=NO_POWER]').setValue(true)
  await w.find('#act-targets-u0').setValue(false)
  await w.find('form').trigger('submit')
  await flushPromises()
  expect((posts[0]!.body as { targets: unknown }).targets).toEqual([{ unit: 'D-JS', lead: true }])
  w.unmount()
})

const voiding: Schemas['AllowedAction'] = { action: 'void', label: '作废', fields: [{ name: 'reason', type: 'longtext', required: true }] }

it('asks once more before what cannot be taken back, and again when the words change', async () => {
  const w = await open(voiding)
  answers.push(json(200, { ...subject, state: 'VOIDED' }))
  await w.find('textarea').setValue('误报')
  await w.find('form').trigger('submit')
  await flushPromises()
  expect(posts).toHaveLength(0)
  expect(w.find('#act-final').text()).toContain('不能恢复')
  await w.find('textarea').setValue('重复录入')
  expect(w.find('#act-final').exists()).toBe(false)
  await w.find('form').trigger('submit')
  await flushPromises()
  await w.find('form').trigger('submit')
  await flushPromises()
  expect(posts.map((p) => p.body)).toEqual([{ version: 4, reason: '重复录入' }])
  w.unmount()
})

it('does not take a double click for a confirmation', async () => {
  const w = await open(voiding)
  const click = new MouseEvent('click', { detail: 2, bubbles: true, cancelable: true })
  w.find('button[type=submit]').element.dispatchEvent(click)
  expect(click.defaultPrevented).toBe(true)
  w.unmount()
})

const merging: Schemas['AllowedAction'] = { action: 'merge', label: '并案', fields: [{ name: 'master_case_id', type: 'case', required: true }] }

it('proposes the look-alike next door to merge into', async () => {
  rows = [{ id: 'c1', point: { lon: 119.3, lat: 26.08 } }, { id: 'c2', case_no: 'GL-2', matter_name: '井盖', state: 'HANDLING', point: { lon: 119.3, lat: 26.0803 } }, { id: 'c3', state: 'FILED', point: { lon: 119.4, lat: 26.08 } }]
  const w = await open(merging)
  expect(gets[0]!.get('matter')).toBe('06001')
  expect((w.find('#act-master_case_id').element as HTMLInputElement).value).toContain('GL-2')
  answers.push(json(200, { ...subject, state: 'MERGED' }))
  for (let i = 0; i < 2; i++) { await w.find('form').trigger('submit'); await flushPromises() }
  expect(posts[0]!.body).toEqual({ version: 4, master_case_id: 'c2' })
  w.unmount()
})

it('finds another case by its words, and proposes nothing where two are close', async () => {
  rows = ['c2', 'c3'].map((id) => ({ id, case_no: id, state: 'FILED', point: { lon: 119.3, lat: 26.0802 } }))
  const w = await open(merging)
  expect((w.find('#act-master_case_id').element as HTMLInputElement).value).toBe('')
  await w.find('form').trigger('submit')
  expect(w.find('[role=alert]').text()).toContain('并入案件')
  await w.find('#act-master_case_id').setValue('鼓楼')
  await vi.waitFor(() => expect(gets[gets.length - 1]!.get('q')).toBe('鼓楼'))
  expect(gets[gets.length - 1]!.get('matter')).toBeNull()
  w.unmount()
})

it('shows why and until when before a request is decided, and leaves orders out', async () => {
  const requests = [
    { id: 'r1', kind: 'SUSPEND', state: 'PENDING', unit: 'D-CG', unit_name: '区城管局', reason: 'WEATHER', resume_at: '2026-06-20T09:00:00+08:00' },
    { id: 'r2', kind: 'SUPERVISE', state: 'PENDING', reason: 'URGE' },
  ]
  const approve = { action: 'approve', label: '批准', fields: [{ name: 'request_id', type: 'request', required: true, options: [{ value: 'r1', label: '挂起' }, { value: 'r2', label: 'SUPERVISE' }] }] } as Schemas['AllowedAction']
  const w = await open(approve, { requests })
  expect(w.findAll('input[type=radio]')).toHaveLength(1)
  expect(w.find('.request').text()).toMatch(/挂起申请.*区城管局.*天气原因.*恢复/)
  answers.push(json(200, subject))
  await w.find('form').trigger('submit')
  await flushPromises()
  expect(posts[0]!.body).toEqual({ version: 4, request_id: 'r1' })
  w.unmount()
})

it('judges each unit that returned the case, or leaves it to the rule', async () => {
  const arbitrate: Schemas['AllowedAction'] = { action: 'arbitrate', label: '裁定', fields: [{ name: 'basis', type: 'longtext', required: true }, { name: 'verdicts', type: 'verdicts', required: false }] }
  const back = (unit: string, round = 1) => ({ unit, unit_name: unit, state: 'RETURNED', kind: 'LEAD', round })
  const w = await open(arbitrate, { assignments: [back('D-CG'), back('D-JS'), back('D-CG', 2), { unit: 'D-XF', state: 'CANCELLED', kind: 'LEAD' }] })
  expect(w.findAll('[role=radiogroup]')).toHaveLength(2)
  await w.find('textarea').setValue('依据责任清单')
  await w.find('#act-verdicts-1-2').setValue(true)
  answers.push(json(200, subject))
  for (let i = 0; i < 2; i++) { await w.find('form').trigger('submit'); await flushPromises() }
  expect(posts[0]!.body).toEqual({ version: 4, basis: '依据责任清单', verdicts: [{ unit: 'D-JS', founded: false }] })
  w.unmount()
})
