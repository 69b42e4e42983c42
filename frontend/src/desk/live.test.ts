import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { makeInvalidator } from './live'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('turns a burst of events into one invalidation per list and per case', () => {
  const invalidateQueries = vi.fn().mockResolvedValue(undefined)
  const touch = makeInvalidator({ invalidateQueries }, 300)
  touch('c1')
  touch('c1')
  touch('c2')
  expect(invalidateQueries).not.toHaveBeenCalled()
  vi.advanceTimersByTime(40) // after a pause nobody waits
  const keys = invalidateQueries.mock.calls.map(([f]) => (f as { queryKey: string[] }).queryKey.join('/'))
  expect(keys).toEqual(['cases', 'calls', 'inbox', 'case/c1', 'events/c1', 'route/c1', 'case/c2', 'events/c2', 'route/c2'])
  touch('c3') // close behind: gathered
  vi.advanceTimersByTime(299)
  expect(invalidateQueries).toHaveBeenCalledTimes(9)
  vi.advanceTimersByTime(1)
  expect(invalidateQueries).toHaveBeenCalledTimes(15)
  vi.advanceTimersByTime(1001)
  touch('c4')
  vi.advanceTimersByTime(40)
  expect(invalidateQueries).toHaveBeenCalledTimes(21)
})
