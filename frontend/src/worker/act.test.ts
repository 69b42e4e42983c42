import 'fake-indexeddb/auto'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { reactive } from 'vue'
import { discard, entries, refresh } from '@/shared/outbox/outbox'
import { act } from './act'
import { client } from './queries'

const answer = (status: number, body: unknown) => new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } })
const item = { id: 'c1', version: 3 }
const fetchMock = vi.fn<typeof fetch>()

beforeEach(() => vi.stubGlobal('fetch', fetchMock))
afterEach(async () => {
  vi.unstubAllGlobals()
  fetchMock.mockReset()
  await refresh()
  for (const e of entries.value) await discard(e.id)
  client.clear()
})

describe('act', () => {
  it('sends version and key, and shows the case of the answer at once', async () => {
    fetchMock.mockResolvedValueOnce(answer(200, { id: 'c1', version: 4 }))
    const result = await act({ item, action: 'call', title: 'x', body: { targets: reactive([{ unit: 'A', lead: true }]) } })
    expect(result.kind).toBe('done')
    const [url, init] = fetchMock.mock.calls[0]!
    expect(String(url)).toMatch(/\/cases\/c1\/actions\/call$/)
    expect(JSON.parse(String(init!.body))).toEqual({ targets: [{ unit: 'A', lead: true }], version: 3 })
    expect(new Headers(init!.headers).get('Idempotency-Key')).toMatch(/^[0-9a-f-]{36}$/)
    expect(client.getQueryData(['case', 'c1'])).toEqual({ value: { id: 'c1', version: 4 } })
  })

  it('keeps it on the phone without a network, and lets nothing overtake it', async () => {
    fetchMock.mockRejectedValue(new TypeError('offline'))
    expect((await act({ item, action: 'sign', title: '签收' })).kind).toBe('kept')
    expect(entries.value).toHaveLength(1)
    expect((await act({ item, action: 'resolve', title: '办结' })).kind).toBe('blocked')
    expect((await act({ item: { id: 'c2', version: 1 }, action: 'sign', title: '签收' })).kind).toBe('kept')
  })

  it('tells a case that has moved from a plain refusal, and keeps nothing behind', async () => {
    fetchMock.mockResolvedValueOnce(answer(409, { code: 'STALE', detail: 'x', status: 409 }))
    expect(await act({ item, action: 'sign', title: '签收' })).toMatchObject({ kind: 'refused', moved: true })
    fetchMock.mockResolvedValueOnce(answer(409, { code: 'CONTACT_REQUIRED', detail: '请先联系', status: 409 }))
    expect(await act({ item, action: 'resolve', title: '办结' })).toMatchObject({ kind: 'refused', moved: false, error: { message: '请先联系' } })
    expect(entries.value).toHaveLength(0)
  })
})
