import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { api, unwrap } from './client'

const json = (body: unknown) => new Response(JSON.stringify(body), { headers: { 'content-type': 'application/json' } })
let asked: string[]

beforeEach(() => {
  asked = []
  vi.stubGlobal('fetch', vi.fn(async (r: Request) => {
    asked.push(`${r.method} ${new URL(r.url).pathname}`)
    return json({ from: 'wire' })
  }))
})
afterEach(() => {
  vi.unstubAllGlobals()
  window.yixianEarly = undefined
})
const read = () => unwrap(api.GET('/tasks', { params: { query: { limit: 50 } } })) as Promise<unknown>

it('takes an answer that was asked for early, once', async () => {
  window.yixianEarly = { '/tasks?limit=50': Promise.resolve(json({ from: 'early' })) }
  expect([await read(), await read()]).toEqual([{ from: 'early' }, { from: 'wire' }])
  expect(asked).toEqual(['GET /api/v1/tasks'])
})

it('asks itself when the early one failed', async () => {
  window.yixianEarly = { '/tasks?limit=50': Promise.resolve(undefined) }
  expect(await read()).toEqual({ from: 'wire' })
})

it('takes none after anything was done: it is of before', async () => {
  window.yixianEarly = { '/tasks?limit=50': Promise.resolve(json({ from: 'early' })) }
  await unwrap(api.POST('/auth/login', { body: { username: 'gw1', password: 'x' } }))
  expect(await read()).toEqual({ from: 'wire' })
})
