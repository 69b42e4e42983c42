// Live events with catch-up. An EventSource stops for good on a non-200 answer and an HTTP/1.1 browser has
// six connections for all tabs, so: a hidden tab lets go after a minute, every opening says what it has
// (?since=), and after three failures in a row the page polls until a stream works again.
import { ref, type Ref } from 'vue'
import { BASE } from './api/client'

export type StreamState = 'connecting' | 'live' | 'polling' | 'closed'

export interface LiveEvent {
  kind: string
  id: string
  version?: number
}

export interface Stream {
  state: Ref<StreamState>
  /** When the last sign of life came, ms since the epoch; a wall must show that it is stale. */
  lastAt: Ref<number>
  close(): void
}

export interface StreamOptions {
  onEvent(event: LiveEvent): void
  /** Called when events may have been missed: refetch what is on the screen. Also the polling beat. */
  onCatchUp(): void
  hiddenMs?: number
  pollMs?: number
  retryMs?: number
}

const FAILURES = 3
const REMEMBERED = 500

export function openStream(o: StreamOptions): Stream {
  const { hiddenMs = 60_000, pollMs = 30_000, retryMs = 3_000 } = o
  const state = ref<StreamState>('connecting')
  const lastAt = ref(0)
  const seen = new Set<string>() // catch-up re-reads 30 s before the last id: ignore what is known
  let since = ''
  let failures = 0
  let source: EventSource | undefined
  let retry: ReturnType<typeof setTimeout> | undefined
  let poll: ReturnType<typeof setInterval> | undefined
  let hide: ReturnType<typeof setTimeout> | undefined

  function take(message: MessageEvent<string>) {
    lastAt.value = Date.now()
    if (message.lastEventId) {
      if (seen.has(message.lastEventId)) return
      seen.add(message.lastEventId)
      if (seen.size > REMEMBERED) seen.delete(seen.values().next().value!)
      since = message.lastEventId
    }
    let event: LiveEvent
    try {
      event = JSON.parse(message.data) as LiveEvent
    } catch {
      return // a keep-alive
    }
    o.onEvent(event)
  }

  function open() {
    clearTimeout(retry)
    source?.close()
    source = new EventSource(BASE + '/stream' + (since ? `?since=${encodeURIComponent(since)}` : ''))
    source.onmessage = take
    source.onopen = () => {
      // Without an id there is nothing to resume from: whatever came in between must be fetched.
      if (failures > 0 && !since) o.onCatchUp()
      failures = 0
      lastAt.value = Date.now()
      state.value = 'live'
      clearInterval(poll)
      poll = undefined
    }
    source.onerror = fail
  }

  function fail() {
    source?.close()
    source = undefined
    failures++
    if (failures >= FAILURES && !poll) {
      poll = setInterval(o.onCatchUp, pollMs)
      o.onCatchUp()
    }
    state.value = poll ? 'polling' : 'connecting'
    // Thousands of pages lose their streams at the same moment when a program ends: they do not all come back at the same one.
    retry = setTimeout(open, poll ? pollMs : retryMs * failures * (0.5 + Math.random() / 2))
  }

  function release() {
    source?.close()
    source = undefined
    clearTimeout(retry)
    clearInterval(poll)
    poll = undefined
    state.value = 'closed'
  }

  function visibility() {
    clearTimeout(hide)
    if (document.hidden) hide = setTimeout(release, hiddenMs)
    else if (state.value === 'closed') {
      state.value = 'connecting'
      failures = 0
      if (!since) o.onCatchUp()
      open()
    }
  }

  /** The network is there again: no reason to wait for the next try. */
  function back() {
    if (!source && state.value !== 'closed') open()
  }

  document.addEventListener('visibilitychange', visibility)
  addEventListener('online', back)
  open()
  return {
    state,
    lastAt,
    close() {
      document.removeEventListener('visibilitychange', visibility)
      removeEventListener('online', back)
      clearTimeout(hide)
      release()
    },
  }
}
