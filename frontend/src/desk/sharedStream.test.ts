import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { nextTick, ref } from 'vue'
import type { Stream, StreamOptions, StreamState } from '@/shared/sse'
import { openShared } from './sharedStream'

/** Channels of one browser: what one says, all others hear. */
class Channel {
  static all: Channel[] = []
  onmessage: ((e: { data: unknown }) => void) | null = null
  constructor() { Channel.all.push(this) }
  postMessage(data: unknown) { for (const c of Channel.all) if (c !== this) c.onmessage?.({ data }) }
  close() { Channel.all = Channel.all.filter((c) => c !== this) }
}
let queue: (() => void)[] = []
let held = false
const locks = {
  request(_: string, options: { signal: AbortSignal }, run: () => Promise<void>): Promise<void> {
    return new Promise((done, fail) => {
      const begin = () => {
        held = true
        void run().then(() => { held = false; queue.shift()?.(); done() })
      }
      options.signal.addEventListener('abort', () => { queue = queue.filter((q) => q !== begin); fail(new Error('aborted')) })
      if (held) queue.push(begin)
      else begin()
    })
  },
}
let opened: { o: StreamOptions; stream: Stream; state: { value: StreamState } }[] = []
function fake(o: StreamOptions): Stream {
  const state = ref<StreamState>('live')
  const stream: Stream = { state, lastAt: ref(1), close: vi.fn() }
  opened.push({ o, stream, state })
  return stream
}
const settle = async () => { for (let i = 0; i < 6; i++) await nextTick() }

beforeEach(() => {
  Channel.all = []; queue = []; held = false; opened = []
  vi.stubGlobal('BroadcastChannel', Channel)
  Object.defineProperty(navigator, 'locks', { configurable: true, value: locks })
})
afterEach(() => {
  vi.unstubAllGlobals()
  Reflect.deleteProperty(navigator, 'locks')
})

it('opens one stream for two tabs, and both hear every event once', async () => {
  const [a, b] = [{ onEvent: vi.fn(), onCatchUp: vi.fn() }, { onEvent: vi.fn(), onCatchUp: vi.fn() }]
  const first = openShared(a, fake)
  const second = openShared(b, fake)
  expect(opened).toHaveLength(1)
  opened[0]!.o.onEvent({ kind: 'case', id: 'c1' })
  expect(a.onEvent).toHaveBeenCalledExactlyOnceWith({ kind: 'case', id: 'c1' })
  expect(b.onEvent).toHaveBeenCalledExactlyOnceWith({ kind: 'case', id: 'c1' })
  expect(second.state.value).toBe('live')
  first.close(); second.close()
})

it('hands over when the leader lets go, and the next one catches up', async () => {
  const [a, b] = [{ onEvent: vi.fn(), onCatchUp: vi.fn() }, { onEvent: vi.fn(), onCatchUp: vi.fn() }]
  const first = openShared(a, fake)
  const second = openShared(b, fake)
  opened[0]!.state.value = 'closed' // hidden for a minute
  await settle()
  expect(opened).toHaveLength(2)
  expect(b.onCatchUp).toHaveBeenCalled()
  opened[1]!.o.onEvent({ kind: 'case', id: 'c2' })
  expect(b.onEvent).toHaveBeenCalledWith({ kind: 'case', id: 'c2' })
  expect(a.onEvent).toHaveBeenCalledWith({ kind: 'case', id: 'c2' })
  first.close(); second.close()
})

it('has a stream of its own where there are no locks', () => {
  Reflect.deleteProperty(navigator, 'locks')
  const s = openShared({ onEvent: vi.fn(), onCatchUp: vi.fn() }, fake)
  expect(opened).toHaveLength(1)
  expect(s).toBe(opened[0]!.stream)
})
