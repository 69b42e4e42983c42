import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { quiet, ring, setRing, silenced } from './ring'

const vibrate = vi.fn(() => true)

beforeEach(() => {
  vi.useFakeTimers()
  vibrate.mockClear()
  Object.defineProperty(navigator, 'vibrate', { value: vibrate, configurable: true })
  setRing(true)
  vibrate.mockClear()
})
afterEach(() => {
  quiet()
  vi.useRealTimers()
})

describe('ring', () => {
  it('shakes again and again until it is quiet, one alarm at a time', () => {
    ring()
    ring()
    vi.advanceTimersByTime(6_500)
    expect(vibrate).toHaveBeenCalledTimes(3)
    quiet()
    vi.advanceTimersByTime(10_000)
    expect(vibrate).toHaveBeenCalledTimes(4) // the last one stops the motor
    expect(vibrate).toHaveBeenLastCalledWith(0)
  })
  it('stays silent where the person switched it off', () => {
    setRing(false)
    vibrate.mockClear()
    ring()
    vi.advanceTimersByTime(10_000)
    expect(vibrate).not.toHaveBeenCalled()
  })
  it('remembers what was silenced', () => {
    silenced.add('a')
    silenced.add('b')
    expect([silenced.has('a'), silenced.has('b'), silenced.has('c')]).toEqual([true, true, false])
  })
})
