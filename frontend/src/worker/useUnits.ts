// The district's units, read once an hour.
import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, unwrap, type Schemas } from '@/shared/api/client'
import { readThrough } from './queries'

export type Unit = Schemas['Unit']

/** The order in which a street thinks of whom to call. */
const KINDS = ['DEPARTMENT', 'CITY_DEPARTMENT', 'UTILITY', 'STREET', 'COMMUNITY', 'PROPERTY', 'NGO', 'DISTRICT_CENTER']

export function sortUnits(units: Unit[]): Unit[] {
  const rank = (u: Unit) => (KINDS.indexOf(u.kind) + KINDS.length + 1) % (KINDS.length + 1)
  return [...units].sort((a, b) => rank(a) - rank(b) || a.code.localeCompare(b.code))
}

export function useUnits() {
  const query = useQuery({
    queryKey: ['units'],
    queryFn: () => readThrough('units', () => unwrap(api.GET('/units'))),
    staleTime: 3_600_000,
  })
  const units = computed(() => sortUnits(query.data.value?.value.items ?? []))
  const nameOf = (code: string) => units.value.find((u) => u.code === code)?.short_name || units.value.find((u) => u.code === code)?.name || code
  return { query, units, nameOf }
}
