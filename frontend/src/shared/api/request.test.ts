import { describe, expect, it } from 'vitest'
import { createClient } from './request'
import type { paths } from './schema'

function answering(answer: Response) {
  const asked: Request[] = []
  return { asked, api: createClient<paths>('http://localhost/api/v1', async (r) => (asked.push(r), answer)) }
}

describe('a call', () => {
  it('puts path, query, headers and body where the contract wants them', async () => {
    const { asked, api } = answering(new Response('{"ok":true}', { status: 200 }))
    const answer = await api.POST('/cases/{id}/actions/{action}', { params: { path: { id: 'a/b', action: 'sign' }, header: { 'Idempotency-Key': 'k' } }, body: { version: 3 } as never })
    expect(asked[0]!.url).toBe('http://localhost/api/v1/cases/a%2Fb/actions/sign')
    expect([asked[0]!.method, asked[0]!.credentials, asked[0]!.headers.get('Idempotency-Key'), asked[0]!.headers.get('Content-Type')]).toEqual(['POST', 'same-origin', 'k', 'application/json'])
    expect(await asked[0]!.json()).toEqual({ version: 3 })
    expect(answer.data).toEqual({ ok: true })
  })
  it('names each member of an array and leaves out what is not there', async () => {
    const { asked, api } = answering(new Response('{}'))
    await api.GET('/cases', { params: { query: { state: ['A', 'B'], q: '井盖 & 路', cursor: undefined } as never } })
    expect([...new URL(asked[0]!.url).searchParams]).toEqual([['state', 'A'], ['state', 'B'], ['q', '井盖 & 路']])
    expect(asked[0]!.headers.has('Content-Type')).toBe(false)
  })
  it('sends a file as it is', async () => {
    const { asked, api } = answering(new Response('{}'))
    await api.POST('/cases/{id}/actions/{action}', { params: { path: { id: 'a', action: 'sign' }, header: { 'Content-Type': 'application/octet-stream' } as never }, body: new Blob(['code,name\r\nD-1,一'], { type: 'text/csv' }) as never })
    expect([await asked[0]!.text(), asked[0]!.headers.get('Content-Type')]).toEqual(['code,name\r\nD-1,一', 'application/octet-stream'])
  })
  it('answers nothing for no content, and the words of a proxy as they are', async () => {
    expect((await answering(new Response(null, { status: 204 })).api.POST('/auth/logout')).data).toBeUndefined()
    expect((await answering(new Response('<html>', { status: 502 })).api.GET('/me')).error).toBe('<html>')
    await expect(answering(new Response('<html>', { status: 200 })).api.GET('/me')).rejects.toThrow(SyntaxError)
  })
})
