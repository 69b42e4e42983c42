// Server state of the desk: one query client, and one stream that says which of it is out of date. An event
// carries no data, only {kind, id}: the matching queries fetch again, a burst of events once.
import { QueryClient } from '@tanstack/vue-query'
import { shallowRef } from 'vue'
import { ApiError } from '@/shared/api/problem'
import type { Stream } from '@/shared/sse'
import { openShared } from './sharedStream'

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      refetchOnWindowFocus: true,
      retry: (count, error) => count < 2 && error instanceof ApiError && error.transient && error.status !== 0,
    },
  },
})

export const stream = shallowRef<Stream>()

const GATHER_MS = 300
/** After a pause the first event is shown at once: only what follows it closely is gathered. */
const FIRST_MS = 40
const PAUSE_MS = 1_000
const CASE_KEYS = ['case', 'events', 'route'] as const

/** Collects case ids for a moment, then invalidates the lists once and each touched case. */
export function makeInvalidator(client: Pick<QueryClient, 'invalidateQueries'>, gatherMs = GATHER_MS) {
  const touched = new Set<string>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let last = -Infinity

  function flush() {
    timer = undefined
    last = Date.now()
    for (const key of ['cases', 'calls', 'inbox']) void client.invalidateQueries({ queryKey: [key] })
    for (const id of touched) for (const key of CASE_KEYS) void client.invalidateQueries({ queryKey: [key, id] })
    touched.clear()
  }

  return (id?: string) => {
    if (id) touched.add(id)
    timer ??= setTimeout(flush, Date.now() - last > PAUSE_MS ? Math.min(FIRST_MS, gatherMs) : gatherMs)
  }
}

const invalidate = makeInvalidator(queries)

export function startLive(): void {
  if (stream.value) return
  stream.value = openShared({
    onEvent: ({ id }) => invalidate(id),
    onCatchUp: () => void queries.invalidateQueries(),
  })
}

/** Signing out leaves nothing of the last person behind. */
export function stopLive(): void {
  stream.value?.close()
  stream.value = undefined
  queries.clear()
}
