import { createHash, webcrypto } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { fromHex, verifyChain, type CaseEvent } from './chain'

const subtle = webcrypto.subtle as unknown as SubtleCrypto

/** A chain made the way the server makes it: sha256(prev ‖ fact), the first prev is sha256 of the case's own name. */
function chain(n: number): CaseEvent[] {
  const events: CaseEvent[] = []
  let prev = createHash('sha256').update('yixian/1/350102/c1').digest('hex')
  for (let seq = 1; seq <= n; seq++) {
    const fact = JSON.stringify({ v: 1, seq, at: `2026-06-08T01:0${seq}:00.000000Z`, action: 'note', to: 'HANDLING', data: { 说明: '井盖' } })
    const hash = createHash('sha256').update(Buffer.concat([Buffer.from(prev, 'hex'), Buffer.from(fact)])).digest('hex')
    events.push({ seq, at: `2026-06-08T09:0${seq}:00+08:00`, actor: 'a', role: 'DISPATCHER', action: 'note', to_state: 'HANDLING', data: {}, fact, prev_hash: prev, hash })
    prev = hash
  }
  return events
}

describe('verifyChain', () => {
  it('accepts a whole chain and any run of it', async () => {
    const events = chain(4)
    expect(await verifyChain(events, subtle)).toEqual({ state: 'ok', count: 4 })
    expect(await verifyChain(events.slice(2), subtle)).toEqual({ state: 'ok', count: 2 })
  })

  it('names the event whose fact was changed', async () => {
    const events = chain(3)
    events[1] = { ...events[1]!, fact: events[1]!.fact!.replace('井盖', '路灯') }
    expect(await verifyChain(events, subtle)).toEqual({ state: 'broken', seq: 2, reason: 'hash' })
  })

  it('notices an event taken out, and one whose link was bent', async () => {
    const events = chain(4)
    expect(await verifyChain([events[0]!, events[2]!], subtle)).toEqual({ state: 'broken', seq: 3, reason: 'order' })
    const bent = chain(3)
    bent[2] = { ...bent[2]!, prev_hash: 'ab'.repeat(32) }
    expect(await verifyChain(bent, subtle)).toEqual({ state: 'broken', seq: 3, reason: 'link' })
  })

  it('does not let shown words differ from the hashed fact', async () => {
    const events = chain(2)
    events[1] = { ...events[1]!, action: 'check_pass' }
    expect(await verifyChain(events, subtle)).toEqual({ state: 'broken', seq: 2, reason: 'words' })
    const moved = chain(2)
    moved[0] = { ...moved[0]!, at: '2026-06-08T08:00:00+08:00' }
    expect(await verifyChain(moved, subtle)).toEqual({ state: 'broken', seq: 1, reason: 'words' })
  })

  it('claims nothing where it cannot check', async () => {
    expect(await verifyChain([], subtle)).toEqual({ state: 'unknown' })
    expect(await verifyChain([{ ...chain(1)[0]!, fact: undefined }], subtle)).toEqual({ state: 'unknown' })
  })

  it('reads hex', () => {
    expect([...fromHex('00ff10')]).toEqual([0, 255, 16])
  })
})
