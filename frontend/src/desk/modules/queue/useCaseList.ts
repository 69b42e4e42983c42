import { useInfiniteQuery } from '@tanstack/vue-query'
import { computed, ref, shallowRef, toValue, watch, type MaybeRefOrGetter } from 'vue'
import { api, unwrap } from '@/shared/api/client'
import type { CaseQuery } from './groups'
import { asShown, mergeRows, type Shown } from './merge'

const PAGE = 50

/** Cases by a filter, page after page. The key is the filter: going back finds the list as it was. */
export function useCasePages(filter: MaybeRefOrGetter<CaseQuery>) {
  const pages = useInfiniteQuery({
    queryKey: computed(() => ['cases', toValue(filter)] as const),
    queryFn: async ({ pageParam, signal, queryKey: [, asked] }) => {
      const answer = await unwrap(api.GET('/cases', { params: { query: { ...asked, limit: PAGE, cursor: pageParam || undefined } }, signal }))
      return { ...answer, of: JSON.stringify(asked) }
    },
    initialPageParam: '',
    getNextPageParam: (last) => last.next_cursor || undefined,
  })
  return { pages, rows: computed(() => pages.data.value?.pages.flatMap((p) => p.items) ?? []) }
}

/** The same for a reader: rows keep their place, arrivals are counted and shown on demand. */
export function useCaseList(filter: MaybeRefOrGetter<CaseQuery>) {
  const { pages, rows } = useCasePages(filter)
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
  return { pages, shown, fresh, changed: computed(() => fresh.value > 0 || shown.value.some((s) => s.gone)), renew, more }
}
