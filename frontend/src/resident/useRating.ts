// One tap rates. The server keeps one rating per reporter and round and has no undo, so a chosen face waits
// eight seconds here and is posted then, at once when asked, or when the page is left.
import { computed, onScopeDispose, ref, shallowRef } from 'vue'
import { BASE } from '@/shared/api/client'
import { asApiError, type ApiError } from '@/shared/api/problem'
import { uuid } from '@/shared/uuid'
import type { Verb } from './useTrack'

export type Grade = 1 | 2 | 3 | 5
export interface RateBody extends Record<string, unknown> {
  contacted: boolean
  resolved: boolean
  grade: Grade
  text?: string
}

export const UNDO_S = 8

/**
 * An unhappy answer as a body. Asking for the work to be done again says "not resolved" (which reopens);
 * being unhappy with work that did help is the second grade.
 */
export function unhappy(redo: boolean, reasons: string[], line: string, contacted: boolean): RateBody {
  const text = [...reasons, line.trim()].filter(Boolean).join('；')
  return { contacted, resolved: !redo, grade: redo ? 1 : 2, ...(text ? { text } : {}) }
}

export function useRating(token: () => string, act: (verb: Verb, body: Record<string, unknown>, key: string) => Promise<void>) {
  const pending = shallowRef<RateBody>()
  const left = ref(0)
  const sending = ref(false)
  const done = shallowRef<RateBody>()
  const error = shallowRef<ApiError>()
  let key = uuid()
  let timer: ReturnType<typeof setInterval> | undefined

  function choose(body: RateBody): void {
    pending.value = body
    error.value = undefined
    key = uuid()
    left.value = UNDO_S
    clearInterval(timer)
    timer = setInterval(() => --left.value <= 0 && void send(), 1000)
  }

  function undo(): void {
    clearInterval(timer)
    pending.value = undefined
  }

  async function send(body = pending.value): Promise<void> {
    clearInterval(timer)
    if (!body || sending.value) return
    sending.value = true
    error.value = undefined
    try {
      await act('rate', body, key)
      done.value = body
      pending.value = undefined
    } catch (cause) {
      error.value = asApiError(cause)
      left.value = 0
    } finally {
      sending.value = false
    }
  }

  /** Leaving the page is not undoing: what was chosen is sent on the way out. */
  function leave(): void {
    if (!pending.value || sending.value || error.value) return
    clearInterval(timer)
    void fetch(`${BASE}/reports/${encodeURIComponent(token())}/rate`, {
      method: 'POST',
      keepalive: true,
      credentials: 'same-origin',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
      body: JSON.stringify(pending.value),
    }).catch(() => undefined)
    pending.value = undefined
  }

  addEventListener('pagehide', leave)
  onScopeDispose(() => {
    removeEventListener('pagehide', leave)
    leave()
  })

  return { pending, left, sending, done, error, choose, undo, send, waiting: computed(() => !!pending.value) }
}
