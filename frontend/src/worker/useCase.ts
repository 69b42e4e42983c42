// One case, its events, and the words of the server for what went wrong with them.
import { useInfiniteQuery, useQuery } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { api, unwrap, type Schemas } from '@/shared/api/client'
import { client, readThrough } from './queries'

export type Case = Schemas['Case']
export type CaseEvent = Schemas['Event']
export type Action = Schemas['AllowedAction']
export type Target = Schemas['CallTarget']

export function useCase(id: MaybeRefOrGetter<string>) {
  const query = useQuery({
    queryKey: computed(() => ['case', toValue(id)]),
    queryFn: () => readThrough('case:' + toValue(id), () => unwrap(api.GET('/cases/{id}', { params: { path: { id: toValue(id) } } }))),
  })
  return { query, item: computed(() => query.data.value?.value), savedAt: computed(() => query.data.value?.savedAt) }
}

/** The answer of an action is the case as it now stands. */
export function putCase(next: Case): void {
  client.setQueryData(['case', next.id], { value: next })
  void client.invalidateQueries({ queryKey: ['events', next.id] })
  void client.invalidateQueries({ queryKey: ['tasks'] })
}

export function useEvents(id: MaybeRefOrGetter<string>) {
  const query = useInfiniteQuery({
    queryKey: computed(() => ['events', toValue(id)]),
    queryFn: ({ pageParam }) => unwrap(api.GET('/cases/{id}/events', { params: { path: { id: toValue(id) }, query: { limit: 200, ...(pageParam ? { cursor: pageParam } : {}) } } })),
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor || undefined,
  })
  return { query, events: computed(() => query.data.value?.pages.flatMap((p) => p.items) ?? []) }
}

/** When a unit said it would be there: the time of its answer and the minutes it gave. */
export function etaOf(events: CaseEvent[], unit: string): string | undefined {
  const answer = [...events].reverse().find((e) => e.action === 'ack' && e.unit === unit)
  const minutes = Number(answer?.data.eta_minutes)
  return answer && minutes > 0 ? new Date(Date.parse(answer.at) + minutes * 60_000).toISOString() : undefined
}
