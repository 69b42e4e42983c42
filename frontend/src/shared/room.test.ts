import { describe, expect, it } from 'vitest'
import { judge } from './room'

describe('room', () => {
  it.each([
    [undefined, 0, 'ok'], [1e9, 50, 'ok'], [1e9, 51, 'many'], [52_428_799, 0, 'full'], [52_428_800, 0, 'ok'], [0, 99, 'full'],
  ] as const)('%s bytes free and %i photos waiting: %s', (free, photos, want) => expect(judge(free, photos)).toBe(want))
})
