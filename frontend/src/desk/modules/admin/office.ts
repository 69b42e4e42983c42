// The administrator's things follow one pattern of the contract: a list with a cursor, one by its key, add, change
// with the version that was read, a verb, a file out and a file in. One untyped door serves all of them, since the
// paths are data here; everything else uses the typed client.
import { api, BASE, unwrap } from '@/shared/api/client'
import { ApiError } from '@/shared/api/problem'

export type Thingy = Record<string, unknown>

export interface PageOf<T> {
  items: T[]
  next_cursor?: string
}

interface Init {
  params?: { path?: Record<string, string>; query?: Record<string, unknown>; header?: Record<string, string> }
  body?: unknown
  signal?: AbortSignal
}
type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'
type Loose = Record<Method, (path: string, init?: Init) => Promise<{ data?: unknown; error?: unknown; response: Response }>>
const loose = api as unknown as Loose

/** An answer of a path that is put together; the caller says what it is. */
export function call<T>(method: Method, path: string, init?: Init): Promise<T> {
  return unwrap(loose[method](path, init)) as Promise<T>
}

export interface FileProblem {
  line: number
  column: string
  what: string
  mend: string
}

/** What a refused file has to say, line by line; empty when it was refused for another reason. */
export function fileProblems(error: ApiError): { list: FileProblem[]; more: number } {
  const list = Array.isArray(error.body.problems) ? (error.body.problems as FileProblem[]).filter((p) => typeof p?.line === 'number') : []
  return { list, more: Number(error.body.more) || 0 }
}

/** Sends a file as it is: the server tells CSV from XLSX by its content. */
export function sendFile<T>(path: string, query: Record<string, unknown>, file: Blob, type = 'application/octet-stream'): Promise<T> {
  return call<T>('POST', path, { params: { query, header: { 'Content-Type': type } }, body: file })
}

/** The address of a download; the session's cookie goes along. */
export function fileLink(path: string, query: Record<string, string | undefined> = {}): string {
  const q = new URLSearchParams(Object.entries(query).filter((e): e is [string, string] => !!e[1]))
  return BASE + path + (q.size > 0 ? `?${q}` : '')
}
