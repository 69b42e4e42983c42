import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Schemas } from '@/shared/api/client'
import SetupPanel from './SetupPanel.vue'

const kinds = [{ id: 'sms-http', channel: 'SMS', name: '短信', name_en: 'SMS', fields: [{ name: 'url', type: 'url', label: '地址', label_en: 'Address', required: true }] }] as Schemas['ChannelKind'][]
const setup = { id: 's1', name: '短信一', kind: 'sms-http', channel: 'SMS', active: true, settings: { url: 'https://sms.example' } } as Schemas['Setup']
let calls: string[]
let answer: (r: Response) => void

beforeEach(() => {
  calls = []
  vi.stubGlobal('fetch', vi.fn((r: Request) => {
    calls.push(`${r.method} ${new URL(r.url).pathname.replace(/^.*\/admin/, '')}`)
    return new Promise<Response>((done) => (answer = done))
  }))
})
afterEach(() => vi.unstubAllGlobals())

const open = () => mount(SetupPanel, { props: { of: 'channels', setup, kinds }, global: { plugins: [[VueQueryPlugin, { queryClient: new QueryClient() }]] }, attachTo: document.body })

it('sends a test once however often it is pressed, and leads a refusal to its field', async () => {
  const w = open()
  await w.find('form.test').trigger('submit')
  await w.find('form.test').trigger('submit')
  await flushPromises()
  expect(calls).toEqual(['POST /channels/s1/test'])
  answer(new Response(JSON.stringify({ status: 422, code: 'INVALID', errors: [{ pointer: '/settings/url', detail: '地址连不上' }] }), { status: 422, headers: { 'content-type': 'application/problem+json' } }))
  await flushPromises()
  expect(w.find('[role=alert] a').attributes('href')).toBe('#setup-url')
  expect(w.find('#setup-url-error').text()).toContain('地址连不上')
  w.unmount()
})

it('asks before it takes one out, and takes it out once', async () => {
  const w = open()
  const button = w.findAll('button').find((b) => b.text().startsWith('删除'))!
  for (let i = 0; i < 3; i++) await button.trigger('click')
  await flushPromises()
  expect(calls).toEqual(['DELETE /channels/s1'])
  expect(w.emitted('close')).toBeUndefined()
  answer(new Response(null, { status: 204 }))
  await flushPromises()
  expect([w.emitted('saved')?.length, w.emitted('close')?.length]).toEqual([1, 1])
  w.unmount()
})
