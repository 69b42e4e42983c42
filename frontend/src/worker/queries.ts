// How this app reads: everything through vue-query, with the last good answer kept on the device, so that
// a task can be read in a cellar.
import { QueryClient } from '@tanstack/vue-query'
import { ApiError } from '@/shared/api/problem'
import { cache } from '@/shared/store'

export const client = new QueryClient({
  defaultOptions: {
    queries: {
      networkMode: 'always', // offline reads answer from the device
      staleTime: 5_000,
      retry: (count, error) => error instanceof ApiError && error.status >= 500 && count < 2,
    },
  },
})

/** An answer, or the copy kept from the last time; savedAt (ms) is only there for a copy. */
export interface Copy<T> {
  value: T
  savedAt?: number
}

export async function readThrough<T>(key: string, read: () => Promise<T>): Promise<Copy<T>> {
  try {
    const value = await read()
    cache.put(key, value).catch(() => undefined) // a full or forbidden store only costs the copy
    return { value }
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 0) throw error
    const kept = await cache.get<T>(key).catch(() => undefined)
    if (!kept) throw error
    return { value: kept.data, savedAt: kept.at }
  }
}
