// From what a form holds to the body of POST /cases/{id}/actions/{action}, by the fields the server listed.
import type { Schemas } from '@/shared/api/client'

export type Field = Schemas['ActionField']
export type Point = Schemas['Point']
export type Target = { unit: string; lead: boolean }
export type Task = { unit?: string; text?: string; budget?: string }
export type Verdict = { unit: string; founded?: boolean }
export type Values = Record<string, unknown>
export type Body = Schemas['ActionBody']

const SUPPORTED: Field['type'][] = ['text', 'longtext', 'matter', 'unit', 'units', 'targets', 'point', 'photos', 'time', 'budget', 'choice', 'bool', 'int', 'request', 'case', 'texts', 'tasks', 'verdicts', 'person']

/** What cannot be taken back: the form asks once more before it sends. */
export const FINAL = ['reject', 'void', 'merge', 'arbitrate']

/** Whether this page can fill the form: an action that needs an input it does not know is not offered. */
export function canFill(fields: Field[]): boolean {
  return fields.every((f) => !f.required || SUPPORTED.includes(f.type))
}

export function fillable(fields: Field[]): Field[] {
  return fields.filter((f) => SUPPORTED.includes(f.type))
}

/** "2026-06-08T09:00" of a datetime-local input is the district's wall clock (UTC+8, no daylight saving). */
export function toInstant(local: string): string {
  return `${local.length === 16 ? local + ':00' : local}+08:00`
}

/** The other way: an instant as the input wants it. */
export function toLocal(instant: string | number): string {
  return new Date(new Date(instant).getTime() + 8 * 3_600_000).toISOString().slice(0, 16)
}

function isEmpty(v: unknown): boolean {
  return v === undefined || v === null || v === '' || (Array.isArray(v) && v.length === 0)
}

const blank = (s: string | undefined) => !s?.trim()
/** Lines that say something, rows that were begun, returns that were judged: the others are not there. */
const lines = (v: unknown) => ((v as string[] | undefined) ?? []).map((x) => x.trim()).filter(Boolean)
const begun = (v: unknown) => ((v as Task[] | undefined) ?? []).filter((x) => x.unit || !blank(x.text) || x.budget)
const judged = (v: unknown) => ((v as Verdict[] | undefined) ?? []).filter((x) => x.founded !== undefined)

function valueOf(field: Field, v: unknown): unknown {
  switch (field.type) {
    case 'text':
    case 'longtext':
      return String(v).trim()
    case 'time':
      return toInstant(String(v))
    case 'int':
      return Number(v)
    case 'texts':
      return lines(v)
    case 'tasks':
      return begun(v).map((x) => ({ unit: x.unit, text: x.text?.trim(), budget: x.budget }))
    case 'verdicts':
      return judged(v)
    default:
      return v
  }
}

/**
 * Names of the fields that cannot be sent yet, in the order of the form: required and empty, a target list
 * without its lead, a task that lacks its unit, its words or its time.
 */
export function missing(fields: Field[], values: Values): string[] {
  return fields
    .filter((f) => {
      const v = values[f.name]
      if (f.type === 'targets') return f.required && !(v as Target[] | undefined)?.some((x) => x.lead)
      if (f.type === 'bool') return false
      if (f.type === 'texts') return f.required && lines(v).length === 0
      if (f.type === 'tasks') return (f.required && begun(v).length === 0) || begun(v).some((x) => !x.unit || blank(x.text) || !x.budget)
      return f.required && (isEmpty(v) || (typeof v === 'string' && v.trim() === ''))
    })
    .map((f) => f.name)
}

/** The body: empty optional fields are left out, an unticked optional box too. */
export function toBody(fields: Field[], values: Values, version: number, note?: string): Body {
  const body: Record<string, unknown> = { version }
  for (const f of fields) {
    const v = values[f.name]
    if (f.type === 'bool') {
      if (v === true || f.required) body[f.name] = v === true
      continue
    }
    if (isEmpty(v)) continue
    const value = valueOf(f, v)
    if (!isEmpty(value)) body[f.name] = value
  }
  if (note?.trim()) body.note = note.trim()
  return body as Body
}
