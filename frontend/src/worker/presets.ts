// What a form knows before anybody types: defaults, common phrases and a hint for each action. Everything
// stays editable; nothing here is sent without having been seen.
import { serverNow } from '@/shared/clock'
import { t } from './i18n/work'
import type { Action, Case } from './useCase'
import { toLocal, type Values } from './values'

export interface Preset {
  hint?: string
  /** The fields that come first; photos are first of all without being named. */
  first?: string[]
  /** Ready phrases by field; a tap puts one in. */
  quick?: Record<string, string[]>
  /** Position fields that are filled as the form opens. */
  locate?: boolean
  /** Choices shown as large buttons: the one thing the form is about. */
  big?: string[]
}

export function presetOf(action: string): Preset {
  switch (action) {
    case 'resolve':
      return { hint: t('resolveHint'), first: ['measures', 'outcome'], quick: { measures: [t('q1'), t('q2'), t('q3'), t('q4')], time_limit: [t('tlNow'), t('tl3'), t('tl10'), t('tlLong')] } }
    case 'contact':
      return { hint: t('contactHint') }
    case 'return':
      return { hint: t('returnHint'), quick: { legal_basis: [t('lb1'), t('lb2'), t('lb3')] } }
    case 'check_pass':
      return { hint: t('checkHint'), locate: true }
    case 'check_fail':
      return { hint: t('checkHint'), locate: true, quick: { reason: [t('cf1'), t('cf2'), t('cf3')] } }
    case 'verify':
      return { hint: t('verifyHint'), first: ['verdict'], locate: true, big: ['verdict'] }
    case 'dispute':
      return { hint: t('disputeHint'), quick: { reason: [t('lb1'), t('lb2'), t('lb3')] } }
    case 'suspend':
      return { hint: t('suspendHint') }
    case 'extend':
      return { hint: t('extendHint'), quick: { reason: [t('ex1'), t('ex2'), t('ex3')] } }
    case 'withdraw_call':
      return { hint: t('withdrawCallHint'), quick: { reason: [t('wc1'), t('wc2')] } }
    case 'consult':
      return { hint: t('consultHint') }
    default:
      return {}
  }
}

const SUSPEND_DAYS = 3 // a first proposal, longer ones are rare

/** The unit of the running time limit: an extension must be counted in the same. */
export function budgetUnitOf(item: Pick<Case, 'clocks'>): string | undefined {
  return /[NW][MHD]$/.exec(item.clocks.find((c) => c.kind === 'HANDLE' && c.state !== 'STOPPED')?.budget ?? '')?.[0]
}

/** The assignment of the unit that has to answer for the case now. */
function leadAssignment(item: Case) {
  return item.assignments.find((a) => a.kind === 'LEAD' && a.round === item.round && (a.state === 'OPEN' || a.state === 'SIGNED'))
}

export function initialValues(action: Action, item: Case): Values {
  const values: Values = {}
  for (const f of action.fields) {
    if (f.type === 'bool') values[f.name] = false
    if (['units', 'targets', 'texts', 'tasks'].includes(f.type)) values[f.name] = []
  }
  switch (action.action) {
    case 'resolve': {
      const lead = leadAssignment(item)
      values.outcome = 'RESOLVED'
      // The first of the four elements: when the unit took the matter on.
      values.accepted_at = toLocal(lead?.signed_at ?? lead?.received_at ?? item.created_at)
      values.talked_to = t('reporterPhone', { name: item.reporter?.name ? ' ' + item.reporter.name : '' })
      values.time_limit = t('tlNow')
      break
    }
    case 'suspend':
      values.resume_at = toLocal(serverNow() + SUSPEND_DAYS * 86_400_000)
      break
    case 'consult': // whoever was called and came is who was there
      values.participants = (item.call?.targets ?? []).filter((x) => x.checked_in_at && !x.withdrawn).map((x) => x.unit_name ?? x.unit)
      break
    case 'contact':
      values.method = 'PHONE'
      break
    case 'check_pass':
    case 'check_fail':
      values.method = 'SITE'
      break
    case 'file':
      values.matter = item.matter
      values.priority = item.priority
  }
  return values
}
