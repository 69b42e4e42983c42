// The one IndexedDB of a device: drafts before they are sent, the outbox, and copies for reading offline.
import type { DBSchema, IDBPDatabase } from 'idb'
import type { OutboxEntry } from './outbox/outbox'

interface Yixian extends DBSchema {
  drafts: { key: string; value: unknown }
  outbox: { key: string; value: OutboxEntry; indexes: { created: number } }
  cache: { key: string; value: { at: number; data: unknown } }
}

let opening: Promise<IDBPDatabase<Yixian>> | undefined

async function open() {
  const { openDB } = await import('idb')
  return openDB<Yixian>('yixian', 1, {
    upgrade(d) {
      d.createObjectStore('drafts')
      d.createObjectStore('outbox', { keyPath: 'id' }).createIndex('created', 'createdAt')
      d.createObjectStore('cache')
    },
    terminated: () => (opening = undefined),
  })
}

function db() {
  return (opening ??= open())
}

/** For tests: forget the open connection. */
export async function closeStore(): Promise<void> {
  ;(await opening)?.close()
  opening = undefined
}

export const drafts = {
  async get<T>(key: string): Promise<T | undefined> {
    return (await (await db()).get('drafts', key)) as T | undefined
  },
  async put(key: string, value: unknown): Promise<void> {
    await (await db()).put('drafts', value, key)
  },
  async remove(key: string): Promise<void> {
    await (await db()).delete('drafts', key)
  },
}

export const outboxRows = {
  /** Oldest first. */
  async all(): Promise<OutboxEntry[]> {
    return (await db()).getAllFromIndex('outbox', 'created')
  },
  async put(entry: OutboxEntry): Promise<void> {
    await (await db()).put('outbox', entry)
  },
  async remove(id: string): Promise<void> {
    await (await db()).delete('outbox', id)
  },
}

/** Last good answers, for reading without a network; `at` says how old they are (ms since the epoch). */
export const cache = {
  async get<T>(key: string): Promise<{ at: number; data: T } | undefined> {
    return (await (await db()).get('cache', key)) as { at: number; data: T } | undefined
  },
  async put(key: string, data: unknown): Promise<void> {
    await (await db()).put('cache', { at: Date.now(), data }, key)
  },
  async clear(): Promise<void> {
    await (await db()).clear('cache')
  },
}
