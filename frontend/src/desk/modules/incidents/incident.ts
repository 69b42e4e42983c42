// Declaring, confirming and ending: what the forms send, and what is wrong with them before that.
import { useQuery } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { api, unwrap, type Schemas } from '@/shared/api/client'
import type { FormError } from '@/shared/api/problem'
import { uuid } from '@/shared/uuid'
import { t } from '../../i18n/office'
import { toInstant } from '../cases/actionBody'

export type Incident = Schemas['Incident']

export interface Declaration {
  drill: boolean
  name: string
  streets: string[]
  communities: string[]
  units: string[]
  /** Codes of matters (5 digits) or major classes (2). */
  matters: string[]
  /** datetime-local on the district's wall clock; '' until somebody ends it. */
  until: string
}

export function checkDeclaration(d: Declaration, now: number): FormError[] {
  const errors: FormError[] = []
  if (!d.name.trim()) errors.push({ field: 'inc-name', text: t('errName') })
  if (d.streets.length + d.communities.length === 0) errors.push({ field: 'inc-areas', text: t('errAreas') })
  if (d.until && !(Date.parse(toInstant(d.until)) > now)) errors.push({ field: 'inc-until', text: t('errUntil') })
  return errors
}

/** A community below a chosen street is in the area already. */
export function declarationBody(d: Declaration): Schemas['IncidentNew'] {
  const communities = d.communities.filter((c) => !d.streets.some((s) => c.startsWith(s)))
  return {
    name: d.name.trim(),
    drill: d.drill,
    ...(d.streets.length ? { streets: d.streets } : {}),
    ...(communities.length ? { communities } : {}),
    ...(d.units.length ? { units: d.units } : {}),
    ...(d.matters.length ? { matters: d.matters } : {}),
    ...(d.until ? { until: toInstant(d.until) } : {}),
  }
}

/** The same request under the same key, however often the network fails; a changed one is another. */
export function makeDeclare() {
  let key = ''
  let sent = ''
  return (body: Schemas['IncidentNew']) => {
    const text = JSON.stringify(body)
    if (text !== sent) [key, sent] = [uuid(), text]
    return unwrap(api.POST('/incidents', { params: { header: { 'Idempotency-Key': key } }, body }))
  }
}

export function confirmIncident(id: string) {
  return unwrap(api.POST('/incidents/{id}/confirm', { params: { path: { id }, header: { 'Idempotency-Key': uuid() } }, body: {} }))
}

export function standDown(id: string, note: string) {
  return unwrap(api.POST('/incidents/{id}/stand_down', { params: { path: { id }, header: { 'Idempotency-Key': uuid() } }, body: { note } }))
}

export function useIncident(id: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: computed(() => ['incidents', toValue(id)]),
    refetchInterval: 20_000,
    queryFn: ({ signal }) => unwrap(api.GET('/incidents/{id}', { params: { path: { id: toValue(id) } }, signal })),
  })
}
