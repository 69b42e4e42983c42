// The one way in which this app writes: stored on the device first, then sent with its Idempotency-Key. The
// answer is the case as it now stands, "kept for later" without a network, or a refusal with its reason.
import { api, unwrap, uploadPhoto, type Schemas } from '@/shared/api/client'
import { ApiError, asApiError } from '@/shared/api/problem'
import { discard, entries, post, type Outcome, type OutboxPhoto } from '@/shared/outbox/outbox'
import { uuid } from '@/shared/uuid'
import { client } from './queries'
import { putCase, type Case } from './useCase'

export type Body = Record<string, unknown>

export interface Act {
  item: Pick<Case, 'id' | 'version'>
  action: string
  /** Words for the list of waiting writes: what, and which case. */
  title: string
  body?: Body
  photos?: OutboxPhoto[]
}

export type Result =
  | { kind: 'done'; item: Case }
  /** No network: it waits on the device and is sent by itself. */
  | { kind: 'kept' }
  /** An earlier write of this case has to be settled first; nothing was stored. */
  | { kind: 'blocked' }
  /** The server said no. With `moved` the case is not what the person saw: it is being read again. */
  | { kind: 'refused'; error: ApiError; moved: boolean }

const MOVED = ['STALE', 'WRONG_STATE']

export async function act({ item, action, title, body = {}, photos = [] }: Act): Promise<Result> {
  if (entries.value.some((e) => e.group === item.id)) return { kind: 'blocked' }
  const id = uuid()
  // Plain data: IndexedDB refuses the reactive proxies of a form.
  const plain = JSON.parse(JSON.stringify({ ...body, version: item.version })) as Body
  let outcome: Outcome
  try {
    outcome = await post({ id, group: item.id, title, path: `/cases/${item.id}/actions/${action}`, body: plain, photos })
  } catch {
    outcome = await sendUnkept(item.id, action, id, plain, photos)
    if (outcome.kind === 'waiting') return { kind: 'refused', error: outcome.error, moved: false }
  }
  if (outcome.kind === 'sent') {
    if (!outcome.data) { // another tab was quicker, and its answer did not come through
      await client.invalidateQueries({ queryKey: ['case', item.id] })
      return { kind: 'done', item: item as Case }
    }
    putCase(outcome.data as Case)
    return { kind: 'done', item: outcome.data as Case }
  }
  if (outcome.kind === 'waiting') return { kind: 'kept' }
  await discard(id).catch(() => undefined) // the form is still open and shows the reason
  const { status, code } = outcome.error
  if (status === 409 || status === 403) {
    await client.invalidateQueries({ queryKey: ['case', item.id] })
    void client.invalidateQueries({ queryKey: ['tasks'] })
  }
  return { kind: 'refused', error: outcome.error, moved: status === 409 && MOVED.includes(code) }
}

/** Private windows and full phones cannot store anything: then the form itself is all that keeps the words. */
async function sendUnkept(caseId: string, action: string, key: string, body: Body, photos: OutboxPhoto[]): Promise<Outcome> {
  try {
    const media = await Promise.all(photos.map(async (p) => p.mediaId ?? (await uploadPhoto(p.blob)).id))
    const data = await unwrap(
      api.POST('/cases/{id}/actions/{action}', {
        params: { path: { id: caseId, action }, header: { 'Idempotency-Key': key } },
        body: { ...body, ...(media.length > 0 ? { media_ids: media } : {}) } as Schemas['ActionBody'],
      }),
    )
    return { kind: 'sent', data }
  } catch (cause) {
    const error = asApiError(cause)
    return { kind: error.transient ? 'waiting' : 'refused', error }
  }
}
