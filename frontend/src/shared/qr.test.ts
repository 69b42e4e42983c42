import { describe, expect, it } from 'vitest'
import { encode } from 'uqr'
import { qrPath } from './qr'

/** Draws the path back into modules. */
function modules(path: string, side: number): boolean[][] {
  const grid = Array.from({ length: side }, () => Array<boolean>(side).fill(false))
  for (const [, x, y, w] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) for (let i = 0; i < Number(w); i++) grid[Number(y)]![Number(x) + i] = true
  return grid
}

describe('qrPath', () => {
  it.each(['2ITWtw8LSXTKw1x5m-XsPA', '', '一线'])('draws exactly the dark modules of %j', (text) => {
    const { path, side } = qrPath(text)
    expect(modules(path, side)).toEqual(encode(text, { ecc: 'M', border: 4 }).data)
  })

  it('leaves a quiet zone of four modules on every side', () => {
    const { path, side } = qrPath('2ITWtw8LSXTKw1x5m-XsPA')
    const grid = modules(path, side)
    for (let i = 0; i < side; i++) for (const edge of [0, 1, 2, 3]) expect([grid[edge]![i], grid[i]![edge], grid[side - 1 - edge]![i], grid[i]![side - 1 - edge]]).toEqual([false, false, false, false])
  })
})
