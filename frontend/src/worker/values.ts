// The values of an action's form: from the contract's list of fields to a request body, without knowing
// what the action is about.
import type { FormError } from '@/shared/api/problem'
import type { Schemas } from '@/shared/api/client'
import { t } from './i18n/forms'

export type Field = Schemas['ActionField']
export type Values = Record<string, unknown>
export type Point = Schemas['Point']

/** The types this app has a control for; an action that requires another one is done at the desk. */
export const KNOWN = ['text', 'longtext', 'matter', 'unit', 'units', 'targets', 'point', 'photos', 'time', 'budget', 'choice', 'bool', 'int', 'texts', 'tasks']

export const controlId = (name: string) => `f-${name}`

/** Longest texts of the contract's ActionBody; the others take 2000. */
const LIMITS: Record<string, number> = { talked_to: 200, legal_basis: 500, time_limit: 200, grid: 15 }
export const maxLength = (name: string) => LIMITS[name] ?? 2000

const CHINA = 8 * 3_600_000

/** An instant as the value of a datetime-local control, on the district's wall clock. */
export function toLocal(iso: string | number): string {
  return new Date(new Date(iso).getTime() + CHINA).toISOString().slice(0, 16)
}

/** And back. */
export function fromLocal(value: string): string {
  return `${value}:00+08:00`
}

function blank(value: unknown): boolean {
  if (value === undefined || value === null) return true
  if (typeof value === 'string') return value.trim() === ''
  return Array.isArray(value) && value.length === 0
}

export interface TaskValue {
  /** Tells blocks apart while they are edited; not sent. */
  key: number
  unit: string
  text: string
  budget: string
}

const BUDGET = /^[1-9]\d{0,3}(NM|NH|ND|WM|WH|WD)$/
const lines = (value: unknown) => ((value ?? []) as string[]).map((x) => x.trim()).filter(Boolean)
/** Blocks in which nothing was entered are not there. */
const begun = (value: unknown) => ((value ?? []) as TaskValue[]).filter((x) => x.unit || x.text.trim() || x.budget)

/** What must still be filled in, as lines of an ErrorSummary. `photos` is how many have been taken. */
export function problems(fields: Field[], values: Values, photos: number): FormError[] {
  const out: FormError[] = []
  for (const f of fields) {
    const field = controlId(f.name)
    const label = f.label ?? f.name
    const value = values[f.name]
    if (f.type === 'photos') {
      // The server takes a check by phone without a photo.
      if (f.required && photos === 0 && values.method !== 'PHONE') out.push({ field, text: t('needPhoto') })
    } else if (f.type === 'texts') {
      if (f.required && lines(value).length === 0) out.push({ field, text: t('need', { label }) })
    } else if (f.type === 'tasks') {
      if (begun(value).some((x) => !x.unit || !x.text.trim() || !BUDGET.test(x.budget))) out.push({ field, text: t('needTasks') })
    } else if (blank(value)) {
      if (f.required && f.type !== 'bool') out.push({ field, text: f.type === 'point' ? t('needPoint') : t('need', { label }) })
    } else if (f.type === 'int' && !/^\d{1,5}$/.test(String(value))) out.push({ field, text: t('needInt', { label }) })
    else if (f.type === 'budget' && !BUDGET.test(String(value))) out.push({ field, text: t('badBudget', { label }) })
  }
  return out
}

/** The request body: empty inputs are left out, photos travel beside it. */
export function toBody(fields: Field[], values: Values): Values {
  const body: Values = {}
  for (const f of fields) {
    const value = values[f.name]
    if (f.type === 'photos' || !KNOWN.includes(f.type) || blank(value)) continue
    if (f.type === 'bool') {
      if (value || f.required) body[f.name] = value === true
    } else if (f.type === 'int') body[f.name] = Number(value)
    else if (f.type === 'texts') {
      if (lines(value).length > 0) body[f.name] = lines(value)
    } else if (f.type === 'tasks') {
      if (begun(value).length > 0) body[f.name] = begun(value).map((x) => ({ unit: x.unit, text: x.text.trim(), budget: x.budget }))
    } else if (f.type === 'time') body[f.name] = fromLocal(String(value))
    else body[f.name] = typeof value === 'string' ? value.trim() : value
  }
  if (!blank(values.note)) body.note = String(values.note).trim()
  return body
}

export interface TargetValue {
  unit: string
  lead: boolean
}

/** Ticks or unticks a unit; there is exactly one lead as long as there is anyone. */
export function toggleTarget(targets: TargetValue[], unit: string): TargetValue[] {
  const without = targets.filter((x) => x.unit !== unit)
  const next = without.length < targets.length ? without : [...targets, { unit, lead: false }]
  return next.length > 0 && !next.some((x) => x.lead) ? next.map((x, i) => ({ ...x, lead: i === 0 })) : next
}

export function leadTarget(targets: TargetValue[], unit: string): TargetValue[] {
  return targets.map((x) => ({ ...x, lead: x.unit === unit }))
}
