// One call of the contract on the wire. The types are openapi-fetch's; its runtime (middleware, styles of arrays and
// objects that this contract does not have) would be 2 kB of what a phone loads first.
import type { Client } from 'openapi-fetch'

type Values = Record<string, unknown>
interface Init extends Omit<RequestInit, 'body' | 'method' | 'headers'> {
  params?: { path?: Values; query?: Values; header?: Values }
  body?: unknown
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
type Calls<Paths extends object> = Pick<Client<Paths>, (typeof METHODS)[number]>

/** A client of a contract below `base`; `send` is fetch, or something that renews a session. Parameters that are undefined or null are left out. */
export function createClient<Paths extends object>(base: string, send: (request: Request) => Promise<Response>): Calls<Paths> {
  const call = async (method: string, path: string, { params = {}, body, ...init }: Init = {}) => {
    const url = new URL(base + path.replace(/\{(\w+)\}/g, (_whole, name: string) => encodeURIComponent(String(params.path?.[name]))))
    each(params.query, (name, value) => url.searchParams.append(name, value))
    const file = body instanceof Blob // goes as it is; its kind is said by the caller
    const headers = new Headers(body === undefined || file ? {} : { 'Content-Type': 'application/json' })
    each(params.header, (name, value) => headers.set(name, value))
    const response = await send(new Request(url, { credentials: 'same-origin', ...init, method, headers, body: file ? body : JSON.stringify(body) }))
    const text = await response.text()
    if (response.ok) return { data: text ? (JSON.parse(text) as unknown) : undefined, response }
    let error: unknown = text
    try {
      error = JSON.parse(text)
    } catch {
      // a proxy's page, not a problem document
    }
    return { error, response }
  }
  return Object.fromEntries(METHODS.map((m) => [m, (path: string, init?: Init) => call(m, path, init)])) as unknown as Calls<Paths>
}

/** Arrays say their name once for each member. */
function each(values: Values | undefined, take: (name: string, value: string) => void): void {
  for (const [name, value] of Object.entries(values ?? {})) for (const one of [value].flat()) if (one != null) take(name, String(one))
}
