// Open cases that one case looks like, the likeliest first, with the server's reasons.
import { useQuery } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { api, unwrap } from '@/shared/api/client'

export function useAlike(id: MaybeRefOrGetter<string>, wanted: MaybeRefOrGetter<boolean> = true) {
  return useQuery({
    queryKey: computed(() => ['case', toValue(id), 'alike']),
    enabled: computed(() => toValue(wanted)),
    staleTime: 60_000,
    queryFn: async ({ signal }) => (await unwrap(api.GET('/cases/{id}/duplicates', { params: { path: { id: toValue(id) } }, signal }))).items,
  })
}
