import { createHash } from 'node:crypto'
import { expect, it, vi } from 'vitest'
import { ApiError } from '@/shared/api/problem'
import { askWithProof, solve } from './proof'

const post = vi.hoisted(() => vi.fn())
vi.mock('@/shared/api/client', () => ({ api: { POST: post }, unwrap: (x: unknown) => x }))

const holds = (token: string, nonce: string, bits: number) => {
  const sum = createHash('sha256').update(`${token}.${nonce}`).digest()
  return BigInt(`0x${sum.subarray(0, 8).toString('hex')}`) >> BigInt(64 - bits) === 0n
}

it('finds a number that the server takes', async () => {
  for (const bits of [1, 8, 11]) {
    const { token, nonce } = await solve({ token: `t${bits}`, bits })
    expect(holds(token, nonce, bits)).toBe(true)
  }
  expect(holds('t', '0', 40)).toBe(false)
})

it('asks again with the proof, says so meanwhile, and throws everything else on', async () => {
  const said: string[] = []
  const needed = new ApiError(429, 'PROOF_NEEDED', '', [], 1, { challenge: { token: 'abc', bits: 6 } })
  post.mockResolvedValueOnce({ retry_after_s: 60 })
  await expect(askWithProof('13900000001', needed, (s) => said.push(s))).resolves.toEqual({ retry_after_s: 60 })
  expect(said).toEqual(['正在验证…', ''])
  const body = post.mock.calls[0]![1].body
  expect(holds('abc', body.proof.nonce, 6)).toBe(true)
  const other = new ApiError(429, 'TOO_MANY_REQUESTS', '')
  await expect(askWithProof('13900000001', other, () => {})).rejects.toBe(other)
  expect(post).toHaveBeenCalledTimes(1)
})
