// Rule sets of the server: the list, one set with its rules, and the names that conditions and outcomes mention.
import { useInfiniteQuery, useQuery } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { api, unwrap, type Schemas } from '@/shared/api/client'
import { comma } from '@/shared/i18n'
import { useUnits } from '../../parts/useUnits'
import { term as deskTerm } from '../../i18n'
import { t, term } from '../../i18n/config'
import { readCondition, type Condition, type Outcome, type Rule } from './rule'

export type RuleSet = Schemas['RuleSet']

export function useRuleSets() {
  const pages = useInfiniteQuery({
    queryKey: ['rules', 'sets'],
    queryFn: ({ pageParam, signal }) => unwrap(api.GET('/admin/rules', { params: { query: { cursor: pageParam || undefined } }, signal })),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_cursor || undefined,
  })
  return { pages, sets: computed(() => pages.data.value?.pages.flatMap((p) => p.items) ?? []), inForce: computed(() => pages.data.value?.pages[0]?.in_force) }
}

export function useRuleSet(version: MaybeRefOrGetter<number | 'current' | undefined>) {
  const query = useQuery({
    queryKey: computed(() => ['rules', 'set', toValue(version)]),
    enabled: computed(() => toValue(version) !== undefined),
    queryFn: ({ signal }) => unwrap(api.GET('/admin/rules/{version}', { params: { path: { version: String(toValue(version)) } }, signal })),
  })
  return { query, set: computed(() => query.data.value), rules: computed(() => (query.data.value?.rules ?? []) as unknown as Rule[]) }
}

/** Reads conditions and outcomes with the names of units. */
export function useReading() {
  const { unitName, units } = useUnits()
  /** What a person calls the value of a variable; codes that nobody has a name for stay as they are. */
  function value(variable: string, v: string): string {
    switch (variable) {
      case 'source': case 'priority': return deskTerm(variable, v)
      case 'mode': return term('modeName', v)
      case 'device.kind': return term('deviceKind', v)
      case 'component.owner': case 'component.maintainer': return unitName(v)
      case 'street': case 'community': return units.value.find((u) => u.area_code === v)?.short_name ?? v
    }
    return v === 'true' ? t('isSo') : v === 'false' ? t('isNotSo') : v
  }
  const words = { get and() { return t('and') }, get or() { return t('or') }, get not() { return t('not') }, get always() { return t('always') }, name: (v: string) => term('var', v), op: (op: string) => term('op', op), value }
  const expr = (e: string | undefined) => (e ? (e.startsWith('unit:') ? unitName(e.slice(5)) : e.startsWith('line:') ? t('lineOf', { name: term('line', e.slice(5)) }) : term('expr', e)) : '')
  return {
    condition: (c: Condition | undefined) => readCondition(c, words),
    expr,
    outcome: (o: Outcome | undefined) => [
      expr(o?.lead) || t('leadOfCatalogue'),
      o?.assists?.length ? t('withAssists', { list: o.assists.map(expr).join(comma()) }) : '',
      o?.call ? t('withCall', { level: term('callLevel', o.call.level), list: [o.call.lead, ...(o.call.targets ?? [])].filter(Boolean).map((x) => expr(x)).join(comma()) }) : '',
      o?.path ? term('path', o.path) : '', o?.priority ? deskTerm('priority', o.priority) : '',
    ].filter(Boolean).join(' · '),
  }
}
