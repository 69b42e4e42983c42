import { expect, test } from 'vitest'
import { than } from './views'

test('a change is said with its sign, and not at all where there is nothing to compare with', () => {
  expect(than(5, 2)).toBe('+3')
  expect(than(0.3, 0.1)).toBe('+0.2')
  expect(than(1, 4)).toBe('-3')
  expect(than(2, 2)).toBe('0')
  expect(than(undefined, 2)).toBeUndefined()
  expect(than(2, null)).toBeUndefined()
})
