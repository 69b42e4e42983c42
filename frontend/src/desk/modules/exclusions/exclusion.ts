// What an exclusion must say before it is sent. EX4, EX7 and EX8 follow from what happened and cannot be asked for.
import type { Schemas } from '@/shared/api/client'
import type { FormError } from '@/shared/api/problem'
import { t } from '../../i18n/centre'

export const REASONS = ['EX1', 'EX2', 'EX3', 'EX5', 'EX6', 'EX9'] as const
export const SCOPES = ['TIMELINESS', 'RATING', 'ALL'] as const

export interface Asked {
  /** The whole case, not the one line of the sheet. */
  whole: boolean
  reason: string
  scope: (typeof SCOPES)[number]
  /** Of the district's wall clock, as <input type=datetime-local> has it. */
  legal: string
  text: string
}

export function checkExclusion(form: Asked): FormError[] {
  const errors: FormError[] = []
  if (!form.reason) errors.push({ field: 'ex-reason', text: t('errChoose', { name: t('exReason') }) })
  if (form.reason === 'EX2' && form.scope === 'RATING') errors.push({ field: 'ex-scope', text: t('errChoose', { name: t('exScope') }) })
  if (form.reason === 'EX2' && !form.legal) errors.push({ field: 'ex-legal', text: t('errLegal') })
  if (form.text.trim().length < 5) errors.push({ field: 'ex-text', text: t('errWords') })
  return errors
}

export function exclusionBody(form: Asked, caseId: string, subject?: string): Schemas['ExclusionIn'] {
  return {
    case_id: caseId,
    reason: form.reason,
    scope: form.scope,
    text: form.text.trim(),
    ...(!form.whole && subject ? { subject_id: subject } : {}),
    ...(form.reason === 'EX2' ? { legal_due: `${form.legal}:00+08:00` } : {}),
  }
}
