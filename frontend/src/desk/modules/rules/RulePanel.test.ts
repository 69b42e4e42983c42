import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Schemas } from '@/shared/api/client'
import type { Rule } from './rule'
import RulePanel from './RulePanel.vue'

const json = (status: number, body: unknown) => new Response(JSON.stringify(body), { status, headers: { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' } })
const set = (revision: number) => ({ version: 2, revision, status: 'DRAFT', rules: [], events: [] }) as unknown as Schemas['RuleSetDetail']
const rule = { id: 'R-1', title: '垃圾', status: 'ACTIVE', when: { op: 'all', of: [{ op: 'any', of: [] }] }, then: {} } as unknown as Rule
let puts: (string | null)[]
let answers: Response[]

beforeEach(() => {
  puts = []
  answers = []
  vi.stubGlobal('fetch', vi.fn(async (r: Request) => {
    if (r.method === 'GET') return json(200, { items: [] })
    puts.push(new URL(r.url).searchParams.get('revision'))
    return answers.shift()!
  }))
})
afterEach(() => vi.unstubAllGlobals())

const open = () => mount(RulePanel, { props: { rule, set: set(3), taken: ['R-1'] }, global: { plugins: [[VueQueryPlugin, { queryClient: new QueryClient() }]] }, attachTo: document.body })
const save = async (w: ReturnType<typeof open>) => {
  await w.find('form').trigger('submit')
  await flushPromises()
}

it('saves upon what somebody else changed only after that was said', async () => {
  const w = open()
  await w.setProps({ set: set(4) }) // read again by itself: nobody was told
  answers.push(json(409, { status: 409, code: 'STALE', detail: 'x' }), json(200, { revision: 5 }))
  await save(w)
  expect(w.find('[role=alert]').text()).toContain('刚被另一位管理员改过')
  await save(w)
  expect(puts).toEqual(['3', '4'])
  expect(w.emitted('close')).toHaveLength(1)
  w.unmount()
})

it('keeps what was typed and takes over what somebody else changed of the rest', async () => {
  const w = open()
  await w.find('#rule-title').setValue('垃圾清运')
  await w.setProps({ set: set(4), rule: { ...rule, title: '生活垃圾', priority: 7 } })
  expect((w.find('#rule-title').element as HTMLInputElement).value).toBe('垃圾清运')
  expect((w.find('#rule-priority').element as HTMLInputElement).value).toBe('7')
  w.unmount()
})

it('says of a condition that it is no JSON, beside whatever else is wrong', async () => {
  const w = open()
  await w.find('#rule-title').setValue(' ')
  await w.find('#rule-json').setValue('{"op":')
  await save(w)
  expect(w.findAll('[role=alert] a').map((a) => a.attributes('href'))).toEqual(['#rule-title', '#rule-json'])
  expect(puts).toEqual([])
  w.unmount()
})
