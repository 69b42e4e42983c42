// Proof in the reader's own browser that the evidence chain holds: each hash is recomputed as
// sha256(prev ‖ fact) over the exact bytes of the fact, each prev must be the hash before it, and numbers
// must not skip. It proves continuity of what was shown; `yixian verify` checks the database itself.
import type { Schemas } from '@/shared/api/client'

export type CaseEvent = Schemas['Event']

export type ChainResult =
  /** All given links hold. */
  | { state: 'ok'; count: number }
  /** The first link that does not. */
  | { state: 'broken'; seq: number; reason: 'hash' | 'link' | 'order' | 'words' }
  /** This browser (no secure context) or this answer (no fact) cannot be checked. */
  | { state: 'unknown' }

export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(hex.length >> 1)
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(hex.slice(2 * i, 2 * i + 2), 16)
  return bytes
}

function toHex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (b) => b.toString(16).padStart(2, '0')).join('')
}

/** What a row says must be what its hashed fact says, else the words could lie while the hashes hold. */
function saysTheSame(e: CaseEvent): boolean {
  try {
    const fact = JSON.parse(e.fact!) as { seq?: number; action?: string; to?: string; at?: string }
    return fact.seq === e.seq && fact.action === e.action && (!e.to_state || fact.to === e.to_state) && (!fact.at || Date.parse(fact.at) === Date.parse(e.at))
  } catch {
    return false
  }
}

/** @param events ascending by seq, without gaps between pages */
export async function verifyChain(events: CaseEvent[], subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle): Promise<ChainResult> {
  if (!subtle || events.length === 0 || events.some((e) => typeof e.fact !== 'string')) return { state: 'unknown' }
  let before: CaseEvent | undefined
  for (const e of events) {
    if (before && e.seq !== before.seq + 1) return { state: 'broken', seq: e.seq, reason: 'order' }
    if (before && e.prev_hash !== before.hash) return { state: 'broken', seq: e.seq, reason: 'link' }
    const prev = fromHex(e.prev_hash)
    const fact = new TextEncoder().encode(e.fact)
    const whole = new Uint8Array(prev.length + fact.length)
    whole.set(prev)
    whole.set(fact, prev.length)
    if (toHex(await subtle.digest('SHA-256', whole)) !== e.hash.toLowerCase()) return { state: 'broken', seq: e.seq, reason: 'hash' }
    if (!saysTheSame(e)) return { state: 'broken', seq: e.seq, reason: 'words' }
    before = e
  }
  return { state: 'ok', count: events.length }
}
