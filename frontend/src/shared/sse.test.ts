import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openStream, type LiveEvent, type Stream } from './sse'

class FakeSource {
  static all: FakeSource[] = []
  static get last() {
    return FakeSource.all[FakeSource.all.length - 1]!
  }
  onmessage?: (e: MessageEvent<string>) => void
  onopen?: () => void
  onerror?: () => void
  closed = false
  constructor(readonly url: string) {
    FakeSource.all.push(this)
  }
  close() {
    this.closed = true
  }
  say(lastEventId: string, data: unknown) {
    this.onmessage?.({ lastEventId, data: typeof data === 'string' ? data : JSON.stringify(data) } as MessageEvent<string>)
  }
}

let hidden = false
let stream: Stream
let events: LiveEvent[]
const catchUp = vi.fn()
function open() {
  events = []
  stream = openStream({ onEvent: (e) => events.push(e), onCatchUp: catchUp })
}
function hide(now: boolean) {
  hidden = now
  document.dispatchEvent(new Event('visibilitychange'))
}

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('EventSource', FakeSource)
  vi.spyOn(document, 'hidden', 'get').mockImplementation(() => hidden)
  FakeSource.all = []
  hidden = false
  catchUp.mockReset()
})
afterEach(() => {
  stream.close()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('openStream', () => {
  it('passes events on, once each, and ignores keep-alives', () => {
    open()
    FakeSource.last.onopen!()
    FakeSource.last.say('1', { kind: 'case', id: 'a' })
    FakeSource.last.say('1', { kind: 'case', id: 'a' })
    FakeSource.last.say('', 'ping')
    FakeSource.last.say('2', { kind: 'case', id: 'b' })
    expect(events.map((e) => e.id)).toEqual(['a', 'b'])
    expect(stream.state.value).toBe('live')
  })

  it('comes back at a moment of its own', () => {
    const draw = vi.spyOn(Math, 'random')
    for (const [drawn, after] of [[0, 1_500], [0.5, 2_250], [0.999_999, 2_999.9]] as const) {
      FakeSource.all = []
      draw.mockReturnValueOnce(drawn)
      open()
      FakeSource.last.onerror!()
      vi.advanceTimersByTime(after - 100)
      expect(FakeSource.all).toHaveLength(1)
      vi.advanceTimersByTime(200)
      expect(FakeSource.all).toHaveLength(2)
      stream.close()
    }
    draw.mockRestore()
  })

  it('resumes after the last id it has', () => {
    open()
    FakeSource.last.onopen!()
    FakeSource.last.say('41', { kind: 'case', id: 'a' })
    FakeSource.last.onerror!()
    vi.advanceTimersByTime(3_000)
    expect(FakeSource.last.url).toBe('/api/v1/stream?since=41')
    FakeSource.last.onopen!()
    expect(catchUp).not.toHaveBeenCalled()
  })

  it('polls after three failures in a row and goes back to the stream', () => {
    open()
    for (let i = 0; i < 3; i++) {
      FakeSource.last.onerror!()
      vi.advanceTimersByTime(i < 2 ? 9_000 : 0)
    }
    expect(stream.state.value).toBe('polling')
    expect(catchUp).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(30_000)
    expect(catchUp.mock.calls.length).toBeGreaterThanOrEqual(2)
    FakeSource.last.onopen!()
    expect(stream.state.value).toBe('live')
    const before = catchUp.mock.calls.length
    vi.advanceTimersByTime(90_000)
    expect(catchUp.mock.calls.length).toBe(before)
  })

  it('does not wait for its next try when the network is there again', () => {
    open()
    for (let i = 0; i < 3; i++) {
      FakeSource.last.onerror!()
      vi.advanceTimersByTime(i < 2 ? 9_000 : 0)
    }
    const before = FakeSource.all.length
    dispatchEvent(new Event('online'))
    expect(FakeSource.all).toHaveLength(before + 1)
    dispatchEvent(new Event('online')) // it is trying
    expect(FakeSource.all).toHaveLength(before + 1)
    stream.close()
    dispatchEvent(new Event('online'))
    expect(FakeSource.all).toHaveLength(before + 1)
  })

  it('lets go of the connection when hidden for a minute, not for a moment', () => {
    open()
    FakeSource.last.onopen!()
    hide(true)
    vi.advanceTimersByTime(30_000)
    hide(false)
    vi.advanceTimersByTime(60_000)
    expect(FakeSource.last.closed).toBe(false)
    hide(true)
    vi.advanceTimersByTime(60_000)
    expect(FakeSource.last.closed).toBe(true)
    expect(stream.state.value).toBe('closed')
    hide(false)
    expect(FakeSource.all).toHaveLength(2)
    expect(catchUp).toHaveBeenCalledTimes(1) // it had no id to resume from
  })
})
