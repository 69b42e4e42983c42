// One live stream for all tabs of a browser: over HTTP/1.1 a browser has six connections to a host, and a dispatcher
// has more tabs than that. Tabs that are looked at queue for one lock; whoever holds it has the stream and passes
// everything on. A tab that was hidden for a minute lets go, and the next one takes over and catches up.
import { ref, watch } from 'vue'
import { openStream, type LiveEvent, type Stream, type StreamOptions, type StreamState } from '@/shared/sse'

type Word = { event: LiveEvent } | { catchUp: true } | { state: StreamState; lastAt: number } | { ask: true }

const NAME = 'yixian.desk.stream'
const BEAT_MS = 10_000
/** A leader that was not heard for so long is gone, or this tab cannot hear it. */
const SILENT_MS = 3 * BEAT_MS

export function openShared(o: StreamOptions, open: typeof openStream = openStream): Stream {
  // Without a secure context there are no locks: each tab has its own stream, as before.
  if (!(navigator as Partial<Navigator>).locks || typeof BroadcastChannel === 'undefined') return open(o)
  const state = ref<StreamState>('connecting')
  const lastAt = ref(0)
  const channel = new BroadcastChannel(NAME)
  let own: Stream | undefined
  let letGo: (() => void) | undefined
  let waiting: AbortController | undefined
  let heard = Date.now()
  let missed = false // whether something may be missing when this tab takes over
  let closed = false

  const tell = (word: Word) => channel.postMessage(word)
  const say = () => own && tell({ state: own.state.value, lastAt: own.lastAt.value })

  function lead() {
    if (closed || own || waiting || document.hidden) return
    waiting = new AbortController()
    navigator.locks
      .request(NAME, { signal: waiting.signal }, () => new Promise<void>((done) => {
        waiting = undefined
        if (closed || document.hidden) return done()
        letGo = done
        own = open({
          ...o,
          onEvent: (event) => { tell({ event }); o.onEvent(event) },
          onCatchUp: () => { tell({ catchUp: true }); o.onCatchUp() },
        })
        if (missed) { tell({ catchUp: true }); o.onCatchUp() }
        missed = false
        const stop = watch([own.state, own.lastAt], () => {
          if (!own) return
          state.value = own.state.value
          lastAt.value = own.lastAt.value
          say()
          if (own.state.value === 'closed') { stop(); follow() }
        }, { immediate: true })
      }))
      .catch(() => undefined) // given up while waiting
      .finally(() => (waiting = undefined))
  }

  /** Lets another tab lead. */
  function follow() {
    own?.close()
    own = undefined
    missed = true
    letGo?.()
    letGo = undefined
  }

  channel.onmessage = ({ data }: MessageEvent<Word>) => {
    heard = Date.now()
    if ('ask' in data) return void say()
    if (own) return
    missed = true // whoever leads now may be gone before this tab takes over
    if ('event' in data) o.onEvent(data.event)
    else if ('catchUp' in data) o.onCatchUp()
    else {
      state.value = data.state === 'closed' ? 'connecting' : data.state
      lastAt.value = data.lastAt
    }
  }

  const beat = setInterval(() => {
    say()
    if (!own && Date.now() - heard > SILENT_MS) {
      state.value = 'connecting'
      missed = true
    }
  }, BEAT_MS)

  function visibility() {
    if (document.hidden) waiting?.abort()
    else {
      tell({ ask: true })
      lead()
    }
  }
  document.addEventListener('visibilitychange', visibility)
  tell({ ask: true })
  lead()
  return {
    state,
    lastAt,
    close() {
      closed = true
      document.removeEventListener('visibilitychange', visibility)
      clearInterval(beat)
      waiting?.abort()
      follow()
      channel.close()
      state.value = 'closed'
    },
  }
}
