import { ref, shallowRef } from 'vue'
import { asApiError, type ApiError } from './api/problem'

/** Loads something for a page without vue-query: data stays while it is fetched again; the last call wins. */
export function useLoad<T>(fetcher: () => Promise<T>) {
  const data = shallowRef<T>()
  const error = shallowRef<ApiError>()
  const loading = ref(false)
  let turn = 0

  async function load(): Promise<void> {
    const mine = ++turn
    loading.value = true
    try {
      const value = await fetcher()
      if (mine !== turn) return
      data.value = value
      error.value = undefined
    } catch (cause) {
      if (mine === turn) error.value = asApiError(cause)
    } finally {
      if (mine === turn) loading.value = false
    }
  }

  return { data, error, loading, load }
}
