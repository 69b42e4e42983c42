// Writes that survive a dead network, a killed browser and a lost answer. An entry is stored first and sent
// afterwards; its id is the Idempotency-Key, so sending twice does it once. Entries of one group (one case)
// keep their order; other groups do not wait for them.
import { ref, shallowRef } from 'vue'
import { BASE, uploadPhoto } from '../api/client'
import { ApiError, asApiError, toApiError } from '../api/problem'
import { outboxRows } from '../store'
import { uuid } from '../uuid'

export interface OutboxPhoto {
  blob: Blob
  /** Known once uploaded; a resumed entry does not upload it again. */
  mediaId?: string
  /** The member of the body that receives its id, where it is not the entry's own. */
  field?: string
}

export interface OutboxEntry {
  /** The Idempotency-Key. */
  id: string
  /** What it belongs to, e.g. a case id; order is kept inside a group. */
  group: string
  /** Words for the list of waiting entries. */
  title: string
  /** Path below /api/v1, POST. */
  path: string
  body: Record<string, unknown>
  photos: OutboxPhoto[]
  /** The member of the body that receives the ids of the photos. */
  mediaField: string
  /** Somebody already did this: a 409 counts as done (not for reports). */
  conflictIsDone: boolean
  createdAt: number
  /**
   * A member of the body that says when it happened, by this device's clock (ms). It is put right by the server's
   * clock when the entry is first sent, and stays as it was sent.
   */
  happened?: { field: string; at: number }
  /** Its photos were uploaded again, because the session that had uploaded them is over. */
  uploadedAgain?: boolean
  state: 'waiting' | 'refused'
  problem?: { status: number; code: string; text: string }
}

export type Outcome = { kind: 'sent'; data: unknown } | { kind: 'waiting'; error: ApiError } | { kind: 'refused'; error: ApiError }

export const entries = shallowRef<OutboxEntry[]>([])
export const sending = ref(false)
const listeners = new Set<(entry: OutboxEntry, outcome: Outcome) => void>()
let running: Promise<void> | undefined
let again = false

/** Tells other tabs what became of an entry, once that part is loaded. */
let tellOthers: (entry: OutboxEntry, outcome: Outcome) => void = () => undefined

/** Hears of every entry that was sent or refused, also of those from before a reload. */
export function onOutcome(listener: (entry: OutboxEntry, outcome: Outcome) => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export async function refresh(): Promise<void> {
  entries.value = await outboxRows.all()
}

type NewEntry = Pick<OutboxEntry, 'group' | 'title' | 'path' | 'body'> & Partial<Pick<OutboxEntry, 'id' | 'photos' | 'mediaField' | 'conflictIsDone' | 'happened'>>

/** Stores an entry and tries to send it at once; the answer tells which of the three ways it went. */
export async function post(e: NewEntry): Promise<Outcome> {
  const entry: OutboxEntry = { id: uuid(), photos: [], mediaField: 'media_ids', conflictIsDone: false, ...e, createdAt: Date.now(), state: 'waiting' }
  await outboxRows.put(entry)
  await refresh()
  let result: Outcome = { kind: 'waiting', error: asApiError(new TypeError('not sent yet')) }
  let settled: () => void = () => undefined
  const known = new Promise<void>((done) => (settled = done))
  const stop = onOutcome((done, outcome) => {
    if (done.id !== entry.id) return
    result = outcome
    settled()
  })
  try {
    await flush()
    // Another tab was quicker: its word is on the way.
    if (result.kind === 'waiting' && !entries.value.some((e) => e.id === entry.id)) await Promise.race([known, new Promise((late) => setTimeout(late, 2000))])
  } finally {
    stop()
  }
  return result
}

/** Throws a refused or waiting entry away: the person decided so. */
export async function discard(id: string): Promise<void> {
  await outboxRows.remove(id)
  await refresh()
}

/** Puts a refused entry back in line, with a mended body if one is given. */
export async function retry(id: string, body?: Record<string, unknown>): Promise<void> {
  const entry = entries.value.find((x) => x.id === id)
  if (!entry) return
  // Another body needs another key: the server answers 422 for the same key with another body.
  if (body) await outboxRows.remove(id)
  await outboxRows.put({ ...entry, ...(body ? { id: uuid(), body } : {}), state: 'waiting', problem: undefined })
  await flush()
}

/** Sends all that waits. Runs once at a time per device where Web Locks exist, per page elsewhere. */
export function flush(): Promise<void> {
  if (running) {
    again = true
    return running
  }
  running = (async () => {
    sending.value = true
    try {
      do {
        again = false
        await (navigator.locks ? navigator.locks.request('yixian-outbox', pass) : pass())
      } while (again)
    } finally {
      running = undefined
      sending.value = false
      await refresh()
    }
  })()
  return running
}

async function pass(): Promise<void> {
  const blocked = new Set<string>()
  for (const entry of await outboxRows.all()) {
    if (blocked.has(entry.group)) continue
    if (entry.state === 'refused') {
      blocked.add(entry.group)
      continue
    }
    const outcome = await send(entry)
    if (outcome.kind === 'sent') await outboxRows.remove(entry.id)
    if (outcome.kind === 'refused') {
      const { status, code, message } = outcome.error
      await outboxRows.put({ ...entry, state: 'refused', problem: { status, code, text: message } })
    }
    if (outcome.kind === 'waiting' && outcome.error.status > 0) {
      const { status, code, message, retryAfter } = outcome.error
      await outboxRows.put({ ...entry, problem: { status, code, text: message } })
      if (retryAfter) setTimeout(() => void flush(), retryAfter * 1000)
    }
    await refresh()
    for (const listener of listeners) listener(entry, outcome)
    tellOthers(entry, outcome)
    if (outcome.kind !== 'sent') blocked.add(entry.group)
    if (outcome.kind === 'waiting' && outcome.error.status === 0) return // no network: the rest would fail too
  }
}

async function send(entry: OutboxEntry): Promise<Outcome> {
  try {
    if (entry.happened) await (await import('./stamp')).stamp(entry)
    for (const photo of entry.photos) {
      if (photo.mediaId) continue
      photo.mediaId = (await uploadPhoto(photo.blob)).id
      await outboxRows.put(entry)
    }
    const body: Record<string, unknown> = { ...entry.body }
    for (const { field = entry.mediaField, mediaId } of entry.photos) body[field] = [...((body[field] as string[] | undefined) ?? []), mediaId!]
    const response = await fetch(BASE + entry.path, {
      method: 'POST',
      credentials: 'same-origin',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': entry.id },
      body: JSON.stringify(body),
    })
    const data: unknown = await response.json().catch(() => undefined)
    if (response.ok) return { kind: 'sent', data }
    if (response.status === 409 && entry.conflictIsDone) return { kind: 'sent', data: undefined }
    throw toApiError(response.status, data, response.headers)
  } catch (cause) {
    const error = asApiError(cause)
    // The session that had uploaded the photos is over, and they belong to it: once more, under the new one.
    if (error.status === 422 && !entry.uploadedAgain && entry.photos.length > 0 && error.fields.some((f) => f.pointer.endsWith('media_ids'))) {
      entry.uploadedAgain = true
      entry.photos = entry.photos.map((p) => ({ ...p, mediaId: undefined }))
      await outboxRows.put(entry)
      return send(entry)
    }
    // 401 waits for the next sign-in; it is not the entry's fault.
    return { kind: error.transient || error.status === 401 ? 'waiting' : 'refused', error }
  }
}

/** Sends at start, when the network returns, when the page is shown again and every 30 s. */
export function startOutbox(): () => void {
  const kick = () => {
    if (!document.hidden && entries.value.some((e) => e.state === 'waiting')) void flush()
  }
  const timer = setInterval(kick, 30_000)
  addEventListener('online', kick)
  document.addEventListener('visibilitychange', kick)
  if (typeof BroadcastChannel !== 'undefined') void import('./others').then((m) => (tellOthers = m.connect(refresh, listeners))).catch(() => undefined)
  void refresh().then(kick)
  return () => {
    clearInterval(timer)
    removeEventListener('online', kick)
    document.removeEventListener('visibilitychange', kick)
  }
}
