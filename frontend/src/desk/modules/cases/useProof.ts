// The proof of a case's chain in this very browser: recomputed whenever links come in.
import { computed, ref, watch, type MaybeRefOrGetter } from 'vue'
import { t } from '../../i18n'
import { verifyChain, type ChainResult } from './chain'
import { useEvents } from './useCase'

export interface Badge {
  tone: 'green' | 'red' | 'grey'
  mark: string
  text: string
}

export function useProof(id: MaybeRefOrGetter<string>) {
  const { pages, events } = useEvents(id)
  const result = ref<ChainResult>()
  let turn = 0
  watch(events, async (list) => {
    const mine = ++turn
    const r = await verifyChain(list)
    if (mine === turn) result.value = r
  }, { immediate: true })

  const badge = computed<Badge>(() => {
    const r = result.value
    if (!r || (events.value.length === 0 && pages.isFetching.value)) return { tone: 'grey', mark: '…', text: t('chainChecking') }
    if (r.state === 'ok') return { tone: 'green', mark: '✓', text: t(pages.hasNextPage.value ? 'chainOkPart' : 'chainOk', { n: r.count }) }
    if (r.state === 'broken') return { tone: 'red', mark: '✗', text: t('chainBroken', { n: r.seq, why: t(`chain.${r.reason}`) }) }
    return { tone: 'grey', mark: '…', text: t('chainUnknown') }
  })

  /** Fetches what is left of the chain, so that the badge speaks of all of it. */
  async function all() {
    while (pages.hasNextPage.value) await pages.fetchNextPage()
  }
  return { pages, events, badge, all }
}
