// What one tab sent or was refused, told to the others: their pages must not say that it still waits.
import { ApiError } from '../api/problem'
import type { OutboxEntry, Outcome } from './outbox'

interface Told {
  entry: OutboxEntry
  kind: Outcome['kind']
  data?: unknown
  error?: { status: number; code: string; message: string }
}

/** Listens for the other tabs and answers the function that tells them. Photos stay where they are. */
export function connect(refresh: () => Promise<void>, listeners: Set<(entry: OutboxEntry, outcome: Outcome) => void>): (entry: OutboxEntry, outcome: Outcome) => void {
  const channel = new BroadcastChannel('yixian-outbox')
  channel.onmessage = ({ data: told }: MessageEvent<Told>) => {
    const e = told.error
    const outcome: Outcome = told.kind === 'sent' ? { kind: 'sent', data: told.data } : { kind: told.kind, error: new ApiError(e!.status, e!.code, e!.message) }
    void refresh().then(() => listeners.forEach((listener) => listener(told.entry, outcome)))
  }
  return (entry, outcome) => {
    const rest = outcome.kind === 'sent' ? { data: outcome.data } : { error: { status: outcome.error.status, code: outcome.error.code, message: outcome.error.message } }
    channel.postMessage({ entry: { ...entry, photos: [] }, kind: outcome.kind, ...rest } satisfies Told)
  }
}
