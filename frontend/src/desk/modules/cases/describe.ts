// What an event's data tells beyond its name, in words: units, levels, ways, due times.
import { distance, when } from '@/shared/format'
import { serverNow } from '@/shared/clock'
import { comma } from '@/shared/i18n'
import { t, term } from '../../i18n'
import { budgetText } from '../../words'
import type { CaseEvent } from './chain'

const text = (v: unknown) => (typeof v === 'string' ? v : undefined)
const list = (v: unknown) => (Array.isArray(v) ? v.filter((x): x is string => typeof x === 'string') : [])

/** Lines for the timeline; members it does not know are left to the fact itself. */
export function describe(e: CaseEvent, unitName: (code: string | undefined) => string): string[] {
  const d = e.data as Record<string, unknown>
  const units = (codes: string[]) => codes.map(unitName).join(comma())
  const lines = [
    (e.action === 'dispatch' || e.action === 'arbitrate') && text(d.lead) && t('evLead', { unit: unitName(text(d.lead)) }),
    list(d.assists).length > 0 && t('evAssists', { units: units(list(d.assists)) }),
    e.action === 'call' && [text(d.level) && term('option', text(d.level)!), text(d.reason) && term('option', text(d.reason)!), list(d.targets).length > 0 && t('evTargets', { units: units(list(d.targets)) })].filter(Boolean).join(' · '),
    text(d.rule) && t('evRule', { rule: text(d.rule)! }),
    text(d.case_no) && t('evCaseNo', { no: text(d.case_no)! }),
    e.action === 'file' && text(d.budget) && t('evBudget', { budget: budgetText(text(d.budget)) }),
    e.action === 'check_in' && [text(d.mode) && term('mode', text(d.mode)!), typeof d.distance_m === 'number' && distance(d.distance_m), d.late === true && t('late')].filter(Boolean).join(' · '),
    (e.action === 'clock_due' || e.action === 'checkin_overdue') && [text(d.kind) && term('clock', text(d.kind)!), unitName(text(d.unit)), typeof d.level === 'number' && `${d.level}%`].filter(Boolean).join(' · '),
    text(d.outcome) && term('option', text(d.outcome)!),
    e.action === 'contact' && text(d.method) && term('option', text(d.method)!),
    text(d.suggested) && t('evSuggested', { unit: unitName(text(d.suggested)) }),
    e.action === 'rate' && typeof d.grade === 'number' && t('evGrade', { n: d.grade, resolved: t(d.resolved === true ? 'yes' : 'no') }),
    text(d.verdict) && term('option', text(d.verdict)!),
    e.action === 'reject' && text(d.reason) && term('option', text(d.reason)!),
    text(d.master_no) && t('evMaster', { no: text(d.master_no)! }),
    text(d.merged_no) && t('evMerged', { no: text(d.merged_no)! }),
    e.action === 'merge' && typeof d.reporters === 'number' && t('evReporters', { n: d.reporters }),
    d.verdicts !== null && typeof d.verdicts === 'object' && Object.keys(d.verdicts).length > 0 && t('evVerdicts', { list: Object.entries(d.verdicts).map(([u, v]) => `${unitName(u)} ${term('option', String(v))}`).join(comma()) }),
    e.action === 'approve' && text(d.kind) && term('request', text(d.kind)!),
    (e.action === 'extend' || e.action === 'approve') && text(d.budget) && t('asksFor', { budget: budgetText(text(d.budget)) }),
    e.action === 'suspend' && text(d.reason) && term('option', text(d.reason)!),
    (text(d.until) || text(d.resume_at)) && t('evUntil', { time: when((text(d.until) ?? text(d.resume_at))!, serverNow()) }),
    e.action === 'supervise' && [text(d.kind) && term('option', text(d.kind)!), unitName(text(d.unit))].filter(Boolean).join(' · '),
    e.action === 'consult' && [typeof d.participants === 'number' && t('evParticipants', { n: d.participants }), list(d.tasks).length > 0 && t('evTasks', { units: units(list(d.tasks)) })].filter(Boolean).join(' · '),
    d.fraud === true && t('evFraud'),
  ]
  return lines.filter((x): x is string => typeof x === 'string' && x !== '')
}
