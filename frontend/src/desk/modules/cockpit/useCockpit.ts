// Everything the cockpit shows, each panel by its own question: one that fails leaves the others standing.
import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed, type ComputedRef } from 'vue'
import { api, unwrap } from '@/shared/api/client'
import { may } from '@/shared/session'
import { serverNow } from '@/shared/clock'
import { call } from '../admin/office'
import { addDays, today, type Span } from '../metrics/figures'
import { comparedSpan, type Compare } from '../metrics/compare'
import type { Figures, Tiles } from './behind'

const BEAT = 30_000

interface Overview {
  items: Figures[]
  total: Figures
  as_of: string
}

export function useCockpit(span: ComputedRef<Span>, than: ComputedRef<Compare>) {
  const whole = may('metrics.district')
  const overview = (by: 'unit' | 'street' | 'day', of: () => Span) =>
    useQuery({
      queryKey: computed(() => ['cockpit', 'overview', by, of().from, of().until]),
      placeholderData: keepPreviousData,
      refetchInterval: BEAT,
      queryFn: ({ signal }) => unwrap(api.GET('/metrics/overview', { params: { query: { from: of().from, to: addDays(of().until, 1), by } }, signal })) as Promise<Overview>,
    })
  const before = computed<Span>(() => comparedSpan(span.value, than.value))
  const fortnight = computed<Span>(() => ({ from: addDays(today(serverNow()), -13), until: today(serverNow()) }))
  const tiles = (path: string, query: Record<string, unknown>) =>
    useQuery({ queryKey: ['cockpit', path, query], enabled: whole, refetchInterval: BEAT, retry: false, queryFn: ({ signal }) => call<Tiles>('GET', path, { params: { query }, signal }) })
  return {
    whole,
    before,
    units: overview('unit', () => span.value),
    streets: overview('street', () => span.value),
    past: overview('street', () => before.value),
    days: overview('day', () => fortnight.value),
    lights: tiles('/metrics/lights', { by: 'street' }),
    spots: tiles('/metrics/hot_spots', { limit: 200 }),
    problems: tiles('/metrics/problems', { limit: 10 }),
    calls: useQuery({ queryKey: ['calls', 'cockpit'], enabled: may('case.read'), refetchInterval: BEAT, queryFn: ({ signal }) => unwrap(api.GET('/calls', { params: { query: { state: 'OPEN', limit: 200 } }, signal })) }),
  }
}
