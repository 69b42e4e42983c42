import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { defineComponent, nextTick, ref } from 'vue'
import type { CaseQuery } from './groups'
import { useCaseList } from './useCaseList'

type Row = { id: string; state: string; due_at: string }
let stored: Row[]
const PAGE = 2
const row = (id: string, state: string, minute: number): Row => ({ id, state, due_at: new Date(minute * 60_000).toISOString() })

beforeEach(() => {
  stored = [row('a', 'FILED', 1), row('b', 'FILED', 2), row('c', 'FILED', 3), row('x', 'CALLING', 9)]
  vi.stubGlobal('fetch', vi.fn(async (r: Request) => {
    const q = new URL(r.url).searchParams
    const all = stored.filter((x) => x.state === q.get('state'))
    const from = Number(q.get('cursor') ?? 0)
    return new Response(JSON.stringify({ items: all.slice(from, from + PAGE), next_cursor: all.length > from + PAGE ? String(from + PAGE) : undefined }), { status: 200, headers: { 'content-type': 'application/json' } })
  }))
})
afterEach(() => vi.unstubAllGlobals())

async function settle() {
  for (let i = 0; i < 4; i++) { await flushPromises(); await nextTick() }
}
function open() {
  const filter = ref<CaseQuery>({ state: 'FILED' })
  const client = new QueryClient()
  let list!: ReturnType<typeof useCaseList>
  const w = mount(defineComponent({ setup() { list = useCaseList(filter); return () => null } }), { global: { plugins: [[VueQueryPlugin, { queryClient: client }]] } })
  return { w, filter, client, list, ids: () => list.shown.value.map((s) => s.row.id) }
}

it('announces an arrival and shows it when asked', async () => {
  const { w, client, list, ids } = open()
  await settle()
  expect(ids()).toEqual(['a', 'b'])
  stored.unshift(row('new', 'FILED', 0))
  await client.invalidateQueries({ queryKey: ['cases'] })
  await settle()
  expect(ids()).toEqual(['a', 'b'])
  expect(list.fresh.value).toBe(1)
  list.renew()
  expect(ids()[0]).toBe('new')
  expect(list.changed.value).toBe(false)
  w.unmount()
})

it('puts the next page below without calling it news', async () => {
  const { w, list, ids } = open()
  await settle()
  await list.more()
  await settle()
  expect(ids()).toEqual(['a', 'b', 'c'])
  expect(list.fresh.value).toBe(0)
  w.unmount()
})

it('takes another filter as it is, also one that was seen before', async () => {
  const { w, filter, list, ids } = open()
  await settle()
  filter.value = { state: 'CALLING' }
  await settle()
  expect(ids()).toEqual(['x'])
  expect(list.changed.value).toBe(false)
  filter.value = { state: 'FILED' }
  await settle()
  expect(ids()).toEqual(['a', 'b'])
  expect(list.changed.value).toBe(false)
  w.unmount()
})
