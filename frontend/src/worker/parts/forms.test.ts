import 'fake-indexeddb/auto'
import { VueQueryPlugin } from '@tanstack/vue-query'
import { enableAutoUnmount, flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { me, type Me } from '@/shared/session'
import { client } from '../queries'
import type { Case } from '../useCase'
import ActionForm from './ActionForm.vue'
import CallStart from './CallStart.vue'

const { act } = vi.hoisted(() => ({ act: vi.fn() }))
vi.mock('../act', () => ({ act }))
enableAutoUnmount(afterEach)

const item = {
  id: 'c1', version: 3, matter: '06001', matter_name: '私搭乱建', priority: 'P3', round: 1, created_at: '2026-06-08T08:00:00+08:00',
  assignments: [{ kind: 'LEAD', round: 1, state: 'SIGNED', signed_at: '2026-06-08T09:30:00+08:00' }],
  reporter: { name: '李**' }, reports: [], allowed_actions: [], call: null,
  proposal: { level: 'L1', targets: [{ unit: 'D-CG', unit_name: '城管局', lead: true }, { unit: 'D-JS', unit_name: '建设局', lead: false }] },
} as unknown as Case
const global = { plugins: [[VueQueryPlugin, { queryClient: client }] as [typeof VueQueryPlugin, object]] }

beforeEach(() => {
  act.mockReset().mockResolvedValue({ kind: 'done', item })
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('offline')))
  me.value = { user: { kind: 'STAFF' }, roles: ['STREET_OFFICER'], unit: 'S-DJ' } as unknown as Me
})
afterEach(() => vi.unstubAllGlobals())

describe('ActionForm', () => {
  const action = {
    action: 'resolve', label: '办结反馈',
    fields: [
      { name: 'outcome', label: '办理结果', type: 'choice', required: true, options: [{ value: 'RESOLVED', label: '已解决' }, { value: 'PLANNED', label: '列入计划' }] },
      { name: 'accepted_at', label: '受理时间', type: 'time', required: true },
      { name: 'talked_to', label: '与谁沟通', type: 'text', required: true },
      { name: 'measures', label: '解决措施', type: 'longtext', required: true },
    ],
  } as never

  it('asks only for what it does not know, and sends the rest by default', async () => {
    const form = mount(ActionForm, { props: { action, item }, attachTo: document.body, global })
    await flushPromises()
    await form.get('form').trigger('submit')
    expect(form.findAll('[role=alert] li').map((li) => li.text())).toEqual(['请填写解决措施'])
    expect(act).not.toHaveBeenCalled()

    await form.findAll('.quick button')[0]!.trigger('click')
    await form.get('form').trigger('submit')
    await flushPromises()
    expect(act.mock.calls[0]![0]).toMatchObject({
      action: 'resolve', item: { id: 'c1', version: 3 },
      body: { outcome: 'RESOLVED', accepted_at: '2026-06-08T09:30:00+08:00', talked_to: '反映人 李**（电话）', measures: '已现场清理完毕' },
    })
    await vi.waitFor(() => expect(form.emitted('done')).toHaveLength(1)) // after the draft is gone
  })

  it('of the first word with the reporter shows the number to ring, for that reason', async () => {
    const asked: Record<string, unknown>[] = []
    vi.stubGlobal('fetch', async (request: Request) => {
      asked.push((await request.clone().json()) as Record<string, unknown>)
      return new Response(JSON.stringify({ value: '13900000001' }))
    })
    const contact = { action: 'contact', label: '联系报案人', fields: [{ name: 'method', label: '方式', type: 'choice', required: true, options: [{ value: 'PHONE', label: '电话' }] }] } as never
    const reveal = { action: 'reveal', label: '查看原文', fields: [{ name: 'field', label: '看什么', type: 'choice', options: [{ value: 'phone', label: '电话' }] }] }
    const form = mount(ActionForm, { props: { action: contact, item: { ...item, allowed_actions: [contact, reveal] } as never }, attachTo: document.body, global })
    await form.get('.ring button').trigger('click')
    await vi.waitFor(() => expect(form.get('.ring a').attributes('href')).toBe('tel:13900000001'))
    expect(asked).toEqual([{ field: 'phone', reason: 'CONTACT_REPORTER' }])
    expect(act).not.toHaveBeenCalled()
    // Whoever may not look is not offered it.
    expect(mount(ActionForm, { props: { action: contact, item }, global }).find('.ring').exists()).toBe(false)
  })

  it('keeps the form when the server refuses, and leads to the field', async () => {
    const { ApiError } = await import('@/shared/api/problem')
    act.mockResolvedValue({ kind: 'refused', moved: false, error: new ApiError(422, 'INVALID', 'x', [{ pointer: '/measures', detail: '太短' }]) })
    const form = mount(ActionForm, { props: { action, item: { ...item, id: 'c2' } }, attachTo: document.body, global })
    await flushPromises()
    await form.get('textarea').setValue('好')
    await form.get('form').trigger('submit')
    await flushPromises()
    expect(form.get('[role=alert] a').attributes('href')).toBe('#f-measures')
    expect((form.get('textarea').element as HTMLTextAreaElement).value).toBe('好')
    expect(form.emitted('done')).toBeUndefined()
  })

  it('verifies with one of three large buttons', async () => {
    const verify = { action: 'verify', label: '反馈核实结果', fields: [{ name: 'verdict', label: '核实结果', type: 'choice', required: true, options: ['TRUE', 'FALSE', 'GONE'].map((value) => ({ value, label: value })) }] } as never
    const form = mount(ActionForm, { props: { action: verify, item: { ...item, id: 'c3' } }, attachTo: document.body, global })
    await flushPromises()
    await form.get('form').trigger('submit')
    expect(form.findAll('[role=alert] li').map((li) => li.text())).toEqual(['请填写核实结果'])
    await form.findAll('.big .chip')[1]!.trigger('click')
    await form.get('form').trigger('submit')
    await flushPromises()
    expect(act.mock.calls[0]![0].body).toEqual({ verdict: 'FALSE' })
  })

  it('records a consultation: who was there stands ready, tasks are whole', async () => {
    const consult = { action: 'consult', label: '会商记录', fields: [{ name: 'participants', label: '参加人', type: 'texts', required: true }, { name: 'tasks', label: '任务分工', type: 'tasks', required: false }] } as never
    const there = { targets: [{ unit: 'D-CG', unit_name: '城管局', checked_in_at: '2026-06-08T10:00:00+08:00', withdrawn: false }, { unit: 'D-JS', unit_name: '建设局', checked_in_at: null, withdrawn: false }] }
    const form = mount(ActionForm, { props: { action: consult, item: { ...item, id: 'c4', call: there } as never }, attachTo: document.body, global })
    await flushPromises()
    await form.get('.lines .add').trigger('click')
    await flushPromises()
    expect(document.activeElement?.id).toBe('f-participants-1')
    await form.get('#f-tasks').trigger('click')
    await form.get('textarea').setValue('清运')
    await form.get('form').trigger('submit')
    expect(form.get('[role=alert] a').attributes('href')).toBe('#f-tasks')
    await form.get('[aria-label^=移除任务], [aria-label^=去掉任务]').trigger('click')
    await form.get('form').trigger('submit')
    await flushPromises()
    expect(act.mock.calls[0]![0].body).toEqual({ participants: ['城管局'] })
  })

  it('sends a step it has no control for to the desk', () => {
    const odd = { action: 'arbitrate', label: '裁定', fields: [{ name: 'basis', type: 'longtext', required: true }, { name: 'verdicts', type: 'verdicts', required: false }] } as never
    expect(mount(ActionForm, { props: { action: odd, item }, global }).text()).toContain('请在电脑端办理')
  })
})

describe('CallStart', () => {
  const action = { action: 'call', label: '一线呼叫', fields: [] } as never

  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  it('calls nobody when it is taken back within five seconds', async () => {
    const page = mount(CallStart, { props: { action, item }, attachTo: document.body, global })
    await page.get('form').trigger('submit')
    await vi.advanceTimersByTimeAsync(4000)
    await page.get('.undo button').trigger('click')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(act).not.toHaveBeenCalled()
    expect(page.find('.big-red').exists()).toBe(true)
  })

  it('calls all proposed units once after five seconds', async () => {
    const page = mount(CallStart, { props: { action, item }, attachTo: document.body, global })
    await page.get('form').trigger('submit')
    await vi.advanceTimersByTimeAsync(20_000)
    expect(act).toHaveBeenCalledTimes(1)
    expect(act.mock.calls[0]![0].body).toEqual({ level: 'L1', reason: 'JOINT', targets: [{ unit: 'D-CG', lead: true }, { unit: 'D-JS', lead: false }] })
  })

  it('is not undone by leaving the page', async () => {
    const page = mount(CallStart, { props: { action, item }, attachTo: document.body, global })
    await page.get('form').trigger('submit')
    page.unmount()
    expect(act).toHaveBeenCalledTimes(1)
  })
})
