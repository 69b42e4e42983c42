// What may be done to a card, and what the form needs before it is sent.
import { api, unwrap, type Schemas } from '@/shared/api/client'
import type { FormError } from '@/shared/api/problem'
import { uuid } from '@/shared/uuid'
import { t } from '../../i18n/office'

export type Card = Schemas['Card']
export const VERBS = ['confirm', 'waive', 'object', 'answer'] as const
export type Verb = (typeof VERBS)[number]

export interface CardAct {
  reason: string
  upheld?: boolean
}

export function verbsOf(card: Card): Verb[] {
  return VERBS.filter((v) => card.allowed_actions.includes(v))
}

/** Everything but a confirmation needs words; an answer also says how it ends. */
export function checkAct(verb: Verb, act: CardAct): FormError[] {
  const errors: FormError[] = []
  if (verb === 'answer' && act.upheld === undefined) errors.push({ field: 'card-upheld-yes', text: t('errUpheld') })
  if (verb !== 'confirm' && !act.reason.trim()) errors.push({ field: 'card-reason', text: t('errReason') })
  return errors
}

export function sendAct(id: string, verb: Verb, act: CardAct, key: string) {
  const body = { ...(act.reason.trim() ? { reason: act.reason.trim() } : {}), ...(verb === 'answer' ? { upheld: act.upheld } : {}) }
  return unwrap(api.POST('/cards/{id}/{verb}', { params: { path: { id, verb }, header: { 'Idempotency-Key': key } }, body }))
}

export function raiseCard(unit: string, reason: string) {
  return unwrap(api.POST('/cards', { params: { header: { 'Idempotency-Key': uuid() } }, body: { unit, kind: 'PRIVACY_BREACH', reason: reason.trim() } }))
}
