// A little work before a one-time code, while the installation's budget of codes runs low (429 PROOF_NEEDED). The page's first load
// does not carry it. The work is a search for a number whose SHA-256 behind the challenge begins with so many zero bits.
import { api, unwrap, type Schemas } from '@/shared/api/client'
import { ApiError } from '@/shared/api/problem'
import { defineMessages } from '@/shared/i18n'
import { announce } from '@/ui/announce'

export interface Challenge {
  token: string
  bits: number
}

const t = defineMessages({ proving: '正在验证…' }, async () => ({ default: { proving: 'Checking…' } }))

/** Tries per turn: the page stays usable, because every turn waits for the browser's own threads. */
const TURN = 256

const zeros = (sum: Uint8Array) => {
  let n = 0
  for (const byte of sum) {
    if (byte) return n + Math.clz32(byte) - 24
    n += 8
  }
  return n
}

/** Finds the nonce of a challenge: 2^bits digests on average. */
export async function solve(c: Challenge): Promise<Schemas['Proof']> {
  const text = new TextEncoder()
  for (let from = 0; ; from += TURN) {
    const sums = await Promise.all(Array.from({ length: TURN }, (_, i) => crypto.subtle.digest('SHA-256', text.encode(`${c.token}.${from + i}`))))
    const hit = sums.findIndex((s) => zeros(new Uint8Array(s)) >= c.bits)
    if (hit >= 0) return { token: c.token, nonce: String(from + hit) }
  }
}

/** Asks again with the work done that `cause` demands; any other cause is thrown on, and so is this one where a page has no WebCrypto. */
export async function askWithProof(phone: string, cause: unknown, say: (text: string) => void): Promise<Schemas['OtpAccepted']> {
  const challenge = cause instanceof ApiError && cause.code === 'PROOF_NEEDED' ? (cause.body.challenge as Challenge | undefined) : undefined
  if (!challenge || !globalThis.crypto?.subtle) throw cause
  say(t('proving'))
  announce(t('proving'))
  try {
    return await unwrap(api.POST('/auth/otp', { body: { phone, proof: await solve(challenge) } }))
  } finally {
    say('')
  }
}
