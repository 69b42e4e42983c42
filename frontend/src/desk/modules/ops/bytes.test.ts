import { expect, it } from 'vitest'
import { bytes } from './bytes'

it('says sizes with two figures', () => {
  expect([0, 999, 1000, 38_400_000, 1_234_000_000, 5e15].map(bytes)).toEqual(['0 B', '999 B', '1.0 kB', '38 MB', '1.2 GB', '5000 TB'])
})
