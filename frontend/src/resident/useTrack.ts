// A report as its reporter sees it, with a copy kept for reading without a network.
import { ref, shallowRef, watch } from 'vue'
import { api, unwrap, type Schemas } from '@/shared/api/client'
import { ApiError, asApiError } from '@/shared/api/problem'
import { locale } from '@/shared/i18n'
import { cache } from '@/shared/store'
import { uuid } from '@/shared/uuid'

export type View = Schemas['ResidentView']
export type Verb = 'add' | 'urge' | 'withdraw' | 'rate' | 'appeal' | 'follow'

/** A link token is 128 bits of text; a receipt code has 8 characters and needs the phone's tail. */
export function isToken(code: string): boolean {
  return code.length > 12
}

export function useTrack(code: () => string) {
  const view = shallowRef<View>()
  const error = shallowRef<ApiError>()
  const loading = ref(false)
  /** When the copy shown was fetched, if it is not fresh. */
  const staleAt = ref<number>()
  const tail = ref('')

  const query = () => (tail.value && !isToken(code()) ? { phone_tail: tail.value } : {})

  async function load(): Promise<void> {
    const mine = code()
    loading.value = true
    error.value = undefined
    try {
      const answer = await unwrap(api.GET('/reports/{receipt_code}', { params: { path: { receipt_code: mine }, query: query() } }))
      if (mine !== code()) return
      view.value = answer
      staleAt.value = undefined
      await cache.put('track:' + mine, answer).catch(() => undefined)
    } catch (cause) {
      if (mine !== code()) return
      error.value = asApiError(cause)
      const kept = error.value.transient ? await cache.get<View>('track:' + mine).catch(() => undefined) : undefined
      if (kept) {
        view.value = kept.data
        staleAt.value = kept.at
      }
    } finally {
      loading.value = false
    }
  }

  /** Does one thing with the report; the answer is its new view. Throws ApiError. */
  async function act(verb: Verb, body: Schemas['ReportVerbBody'] = {}, key = uuid()): Promise<void> {
    view.value = await unwrap(
      api.POST('/reports/{receipt_code}/{verb}', { params: { path: { receipt_code: code(), verb }, query: query(), header: { 'Idempotency-Key': key } }, body }),
    )
  }

  watch(locale, () => view.value && void load()) // the server words what happened

  return { view, error, loading, staleAt, tail, load, act }
}
