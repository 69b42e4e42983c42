import { useInfiniteQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, ref, shallowRef, toValue, watch, type MaybeRefOrGetter } from 'vue'
import { api, unwrap } from '@/shared/api/client'
import type { CaseQuery } from './groups'
import { asShown, mergeRows, type Shown } from './merge'

const PAGE = 50
/** Whoever goes on reading gets more at once. */
const NEXT_PAGES = 200
/** A list of more pages is not kept up to date by itself: each renewal would ask for all of them again. */
const LIVE_PAGES = 20

/** Cases by a filter, page after page. The key is the filter: going back finds the list as it was. */
export function useCasePages(filter: MaybeRefOrGetter<CaseQuery>) {
  const client = useQueryClient()
  const long = ref(false)
  const pages = useInfiniteQuery({
    queryKey: computed(() => ['cases', toValue(filter)] as const),
    queryFn: async ({ pageParam, signal, queryKey: [, asked] }) => {
      const answer = await unwrap(api.GET('/cases', { params: { query: { ...asked, limit: pageParam ? NEXT_PAGES : PAGE, cursor: pageParam || undefined } }, signal }))
      return { ...answer, of: JSON.stringify(asked) }
    },
    enabled: computed(() => !long.value),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_cursor || undefined,
  })
  watch(() => pages.data.value?.pages.length ?? 0, (n) => (long.value = n > LIVE_PAGES), { flush: 'sync' })
  /** Forgets what was read of a long list and begins at its top, live again. */
  function restart() {
    long.value = false
    void client.resetQueries({ queryKey: ['cases', toValue(filter)], exact: true })
  }
  return { pages, rows: computed(() => pages.data.value?.pages.flatMap((p) => p.items) ?? []), long, restart }
}

/** The same for a reader: rows keep their place, arrivals are counted and shown on demand. */
export function useCaseList(filter: MaybeRefOrGetter<CaseQuery>) {
  const { pages, rows, long, restart } = useCasePages(filter)
  const shown = shallowRef<Shown[]>([])
  const fresh = ref(0)
  let of = '' // the filter that `shown` answers; another one's rows are taken as they are

  function renew() {
    shown.value = asShown(rows.value)
    fresh.value = 0
  }

  function take() {
    const now = pages.data.value?.pages[0]?.of ?? ''
    if (now !== of) {
      of = now
      return renew()
    }
    const merged = mergeRows(shown.value, rows.value, pages.hasNextPage.value, toValue(filter).sort)
    shown.value = merged.shown
    fresh.value = merged.fresh
  }

  /** The next page goes below; it is no news. */
  async function more() {
    const before = new Set(rows.value.map((r) => r.id))
    await pages.fetchNextPage()
    const known = new Set(shown.value.map((s) => s.row.id))
    shown.value = [...shown.value, ...asShown(rows.value.filter((r) => !before.has(r.id) && !known.has(r.id)))]
    take()
  }

  watch(rows, take, { immediate: true })
  return { pages, shown, fresh, changed: computed(() => fresh.value > 0 || shown.value.some((s) => s.gone)), renew, more, long, restart }
}
