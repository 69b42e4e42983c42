import { BASE } from '../api/client'
import { clockKnown, noteServerTime, serverNow } from '../clock'
import { outboxRows } from '../store'
import type { OutboxEntry } from './outbox'

/** Says when it happened by the server's clock: a phone may be a day wrong, and then its "now" is refused. */
export async function stamp(entry: OutboxEntry): Promise<void> {
  const { happened } = entry
  if (!happened) return
  if (!clockKnown()) {
    const response = await fetch(BASE + '/me', { credentials: 'same-origin' })
    const body = (await response.json().catch(() => undefined)) as { server_time?: string } | undefined
    if (body?.server_time) noteServerTime(body.server_time)
  }
  if (clockKnown()) entry.body = { ...entry.body, [happened.field]: new Date(serverNow() - Math.max(0, Date.now() - happened.at)).toISOString() }
  entry.happened = undefined // without a clock it counts from its arrival
  await outboxRows.put(entry)
}
