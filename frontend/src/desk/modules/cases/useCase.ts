import { useInfiniteQuery, useQuery } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { api, unwrap, type Schemas } from '@/shared/api/client'
import { ApiError } from '@/shared/api/problem'
import { uuid } from '@/shared/uuid'
import type { Body } from './actionBody'

export type Case = Schemas['Case']

const EVENTS = 100

export function useCase(id: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: computed(() => ['case', toValue(id)]),
    queryFn: ({ signal }) => unwrap(api.GET('/cases/{id}', { params: { path: { id: toValue(id) } }, signal })),
  })
}

function fetchEvents(id: string, cursor?: string, signal?: AbortSignal) {
  return unwrap(api.GET('/cases/{id}/events', { params: { path: { id }, query: { limit: EVENTS, cursor } }, signal }))
}

export function useEvents(id: MaybeRefOrGetter<string>) {
  const pages = useInfiniteQuery({
    queryKey: computed(() => ['events', toValue(id)]),
    queryFn: ({ pageParam, signal }) => fetchEvents(toValue(id), pageParam || undefined, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_cursor || undefined,
  })
  return { pages, events: computed(() => pages.data.value?.pages.flatMap((p) => p.items) ?? []) }
}

/** The stored routing trace; a case that was never routed answers 404, which is an answer. */
export function useRouteTrace(id: MaybeRefOrGetter<string>, wanted: MaybeRefOrGetter<boolean>) {
  return useQuery({
    queryKey: computed(() => ['route', toValue(id)]),
    enabled: computed(() => toValue(wanted)),
    queryFn: async ({ signal }) => {
      try {
        return await unwrap(api.GET('/cases/{id}/route', { params: { path: { id: toValue(id) } }, signal }))
      } catch (e) {
        if (e instanceof ApiError && e.status === 404) return null
        throw e
      }
    },
  })
}

/**
 * One way of sending one form: the same body goes out under the same Idempotency-Key, however often the
 * network fails; a changed body is another request.
 */
export function makeSender(caseId: string, action: string) {
  let key = ''
  let sent = ''
  return (body: Body): Promise<Case> => {
    const text = JSON.stringify(body)
    if (text !== sent) {
      key = uuid()
      sent = text
    }
    return unwrap(api.POST('/cases/{id}/actions/{action}', { params: { path: { id: caseId, action }, header: { 'Idempotency-Key': key } }, body }))
  }
}

/** Who was first: the newest thing a person did with the case. */
export async function lastDeed(id: string): Promise<Schemas['Event'] | undefined> {
  let last: Schemas['Event'] | undefined
  let cursor: string | undefined
  do {
    const page = await fetchEvents(id, cursor)
    last = page.items.filter((e) => e.actor !== 'SYSTEM').pop() ?? last
    cursor = page.next_cursor || undefined
  } while (cursor)
  return last
}
