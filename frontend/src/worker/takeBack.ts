// A write that the server refused goes back into the form it came from, photos and all, to be mended there.
import { discard, type OutboxEntry } from '@/shared/outbox/outbox'
import type { SavedPhoto } from '@/shared/photo/usePhotos'
import { drafts } from '@/shared/store'
import { uuid } from '@/shared/uuid'
import { toLocal, type Values } from './values'

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/** A request body as the values of its form: the way back of toBody. */
export function toValues(body: Record<string, unknown>): Values {
  const values: Values = {}
  for (const [name, value] of Object.entries(body)) {
    if (name === 'version') continue
    if (typeof value === 'string' && INSTANT.test(value)) values[name] = toLocal(value)
    else if (name === 'tasks') values[name] = (value as object[]).map((x, key) => ({ key, ...x }))
    else values[name] = value
  }
  return values
}

export async function takeBack(entry: OutboxEntry, user: string): Promise<void> {
  const saved = (field?: string): SavedPhoto[] => entry.photos.filter((p) => (p.field ?? entry.mediaField) === (field ?? entry.mediaField)).map((p) => ({ key: uuid(), mediaId: p.mediaId, prepared: { blob: p.blob, width: 0, height: 0 } }))
  const action = /^\/cases\/[^/]+\/actions\/(\w+)$/.exec(entry.path)?.[1]
  if (action) await drafts.put(`w:${user}:${entry.group}:${action}`, { values: toValues(entry.body), photos: saved() })
  else {
    const { self_handled: settled, occurred_at: _at, ...rest } = entry.body
    await drafts.put(`w:${user}:new`, { values: { text: '', matter: '', ...rest, settled: settled === true }, photos: saved('media_ids') })
    await drafts.put(`w:${user}:new-after`, { values: {}, photos: saved('after_media_ids') })
  }
  await discard(entry.id)
}
