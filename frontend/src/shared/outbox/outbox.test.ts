import 'fake-indexeddb/auto'
import { IDBFactory } from 'fake-indexeddb'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import * as client from '../api/client'
import { toApiError, networkError } from '../api/problem'
import { closeStore, outboxRows } from '../store'
import { discard, entries, flush, onOutcome, post, retry } from './outbox'

interface Call {
  url: string
  key: string
  body: Record<string, unknown>
}
let calls: Call[]
let answers: Array<Response | 'offline'>

const ok = (body: unknown = { done: true }) => new Response(JSON.stringify(body), { status: 200 })
const refused = (status: number, code: string) => new Response(JSON.stringify({ code, detail: '不行', status }), { status })
const entry = (id: string, group = 'case-1') => ({ id, group, title: id, path: `/cases/${group}/actions/sign`, body: { note: id } })

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory()
  calls = []
  answers = []
  vi.stubGlobal('fetch', vi.fn(async (url: string, init: RequestInit) => {
    calls.push({ url, key: (init.headers as Record<string, string>)['Idempotency-Key']!, body: JSON.parse(init.body as string) as Record<string, unknown> })
    const answer = answers.shift() ?? 'offline'
    if (answer === 'offline') throw new TypeError('Failed to fetch')
    return answer
  }))
})
afterEach(async () => {
  await closeStore()
  vi.unstubAllGlobals()
})

describe('outbox', () => {
  it('sends at once and keeps nothing', async () => {
    answers = [ok({ version: 3 })]
    expect(await post(entry('k1'))).toEqual({ kind: 'sent', data: { version: 3 } })
    expect(calls).toEqual([{ url: '/api/v1/cases/case-1/actions/sign', key: 'k1', body: { note: 'k1' } }])
    expect(await outboxRows.all()).toEqual([])
  })

  it('keeps what could not be sent and sends it later with the same key', async () => {
    answers = ['offline']
    expect((await post(entry('k1'))).kind).toBe('waiting')
    answers = [ok()]
    const heard: string[] = []
    const stop = onOutcome((e, outcome) => heard.push(`${e.id} ${outcome.kind}`))
    await flush()
    stop()
    expect(calls.map((c) => c.key)).toEqual(['k1', 'k1'])
    expect(heard).toEqual(['k1 sent'])
    expect(entries.value).toEqual([])
  })

  it('keeps the order within a case; another case does not wait', async () => {
    answers = ['offline']
    await post(entry('a1', 'a'))
    answers = ['offline']
    await post(entry('a2', 'a'))
    answers = ['offline']
    await post(entry('b1', 'b'))
    calls = []
    answers = [refused(422, 'TOO_FAR'), ok()]
    await flush()
    expect(calls.map((c) => c.key)).toEqual(['a1', 'b1'])
    expect(entries.value.map((e) => [e.id, e.state, e.problem?.code])).toEqual([['a1', 'refused', 'TOO_FAR'], ['a2', 'waiting', undefined]])
  })

  it('counts a conflict as done only where somebody else may have done it', async () => {
    answers = [refused(409, 'CONFLICT')]
    expect((await post({ ...entry('k1'), conflictIsDone: true })).kind).toBe('sent')
    answers = [refused(409, 'CONFLICT')]
    expect((await post(entry('k2', 'c2'))).kind).toBe('refused')
  })

  it.each([401, 429, 500, 503])('waits on %i', async (status) => {
    answers = [refused(status, 'LATER')]
    expect((await post(entry('k1'))).kind).toBe('waiting')
    expect(entries.value[0]?.state).toBe('waiting')
  })

  it('mends a refused entry under a new key and leaves a discarded one alone', async () => {
    answers = [refused(422, 'INVALID')]
    await post(entry('k1'))
    answers = [ok()]
    await retry('k1', { note: 'mended' })
    expect(calls[1]!.key).not.toBe('k1')
    expect(calls[1]!.body).toEqual({ note: 'mended' })
    answers = [refused(422, 'INVALID')]
    await post(entry('k2'))
    await discard('k2')
    calls = []
    await flush()
    expect(calls).toEqual([])
  })

  it('uploads photos first and never the same one twice', async () => {
    const upload = vi.spyOn(client, 'uploadPhoto')
    upload.mockResolvedValueOnce({ id: 'm1', width: 1, height: 1, url: '', thumb_url: '' }).mockRejectedValueOnce(networkError())
    await post({ ...entry('k1'), photos: [{ blob: new Blob(['1']) }, { blob: new Blob(['2']) }, { blob: new Blob(['3']), mediaId: 'm0' }] })
    expect(calls).toEqual([])
    upload.mockResolvedValueOnce({ id: 'm2', width: 1, height: 1, url: '', thumb_url: '' })
    answers = [ok()]
    await flush()
    expect(upload).toHaveBeenCalledTimes(3)
    expect(calls[0]!.body).toEqual({ note: 'k1', media_ids: ['m1', 'm2', 'm0'] })
  })

  it('refuses with the photo that the server refuses', async () => {
    vi.spyOn(client, 'uploadPhoto').mockRejectedValue(toApiError(415, { code: 'NOT_A_PHOTO', detail: '不是照片' }))
    const outcome = await post({ ...entry('k1'), photos: [{ blob: new Blob(['text']) }] })
    expect(outcome).toMatchObject({ kind: 'refused', error: { code: 'NOT_A_PHOTO' } })
  })
})
