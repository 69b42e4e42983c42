// Filters somebody gave a name to: kept by the server, one's own and those that the unit shares. A view is an address, and
// what it lists is each reader's own scope.
import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, unwrap, type Schemas } from '@/shared/api/client'

export type View = Schemas['DeskView']

const NOT_KEPT = ['lang']

/** What of an address is a filter. */
export function keptQuery(query: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(query).filter((e): e is [string, string] => typeof e[1] === 'string' && e[1] !== '' && !NOT_KEPT.includes(e[0])))
}

/** Whether the address is exactly that view. */
export function isView(view: Pick<View, 'query'>, query: Record<string, unknown>): boolean {
  const now = Object.entries(keptQuery(query))
  return now.length === Object.keys(view.query).length && now.every(([k, v]) => view.query[k] === v)
}

export function useViews() {
  const client = useQueryClient()
  const query = useQuery({ queryKey: ['views'], staleTime: 300_000, queryFn: async ({ signal }) => (await unwrap(api.GET('/me/views', { signal }))).items })
  const renew = () => client.invalidateQueries({ queryKey: ['views'] })
  return {
    views: computed(() => query.data.value ?? []),
    async keep(name: string, address: Record<string, unknown>, shared: boolean) {
      await unwrap(api.POST('/me/views', { body: { name, query: keptQuery(address), shared } }))
      await renew()
    },
    async drop(id: string) {
      await unwrap(api.DELETE('/me/views/{id}', { params: { path: { id } } }))
      await renew()
    },
  }
}
