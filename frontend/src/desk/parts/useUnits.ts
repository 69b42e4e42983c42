// The units of the district: a short list that rarely changes; one that was added since is asked for when it is looked for.
import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, unwrap, type Schemas } from '@/shared/api/client'

export type Unit = Schemas['Unit']

export interface UnitOption {
  code: string
  name: string
  note?: string
}

/** Units whose name, short name or code holds the words; whole-name hits first. */
export function searchUnits(units: Unit[], words: string): Unit[] {
  const w = words.trim().toLowerCase()
  if (!w) return units
  const rank = (u: Unit) => (u.short_name.toLowerCase().startsWith(w) || u.name.toLowerCase().startsWith(w) ? 0 : 1)
  return units.filter((u) => [u.name, u.short_name, u.code].some((x) => x.toLowerCase().includes(w))).sort((a, b) => rank(a) - rank(b))
}

const RENEW_MS = 2_000

export function useUnits() {
  const query = useQuery({ queryKey: ['units'], staleTime: 60_000, queryFn: async () => (await unwrap(api.GET('/units'))).items })
  const units = computed(() => query.data.value ?? [])
  const byCode = computed(() => new Map(units.value.map((u) => [u.code, u])))
  return {
    units,
    /** The short name of a unit, or its code until the list is there. */
    unitName: (code: string | undefined) => (code ? (byCode.value.get(code)?.short_name ?? code) : ''),
    streets: computed(() => units.value.filter((u) => u.kind === 'STREET')),
    byCode,
    /** Asks again for what is not in the list: a unit may have been added since. */
    renew: () => void (Date.now() - query.dataUpdatedAt.value > RENEW_MS && query.refetch()),
  }
}
