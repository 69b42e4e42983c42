// A rule as the decision table shows and the form edits it. What the form does not know (geometry, nested conditions)
// is kept as it is and can be edited as JSON: nothing that somebody wrote is lost by opening and saving a rule.
import { comma } from '@/shared/i18n'
export interface Condition {
  op: string
  var?: string
  value?: unknown
  of?: Condition[]
}

export interface Outcome {
  lead?: string
  assists?: string[]
  path?: string
  call?: { level: string; required?: boolean; auto?: boolean; lead?: string; targets?: string[] }
  priority?: string
  note?: string
  legal_basis?: string[]
  [more: string]: unknown
}

export interface Rule {
  id: string
  title: string
  status: string
  source?: string
  tier?: string
  scope?: string
  priority: number
  when: Condition
  cel?: string
  then: Outcome
  valid_from?: string
  valid_to?: string
  rank?: unknown
  as_cel?: string
  [more: string]: unknown
}

export const VARIABLES = ['matter', 'major', 'component', 'component.owner', 'component.maintainer', 'grid', 'community', 'street', 'land_use', 'source', 'device.kind', 'level', 'priority', 'mode', 'reporter_count', 'hour', 'is_workday'] as const
/** Operators the form has a row for; the others are edited as JSON. */
export const OPERATORS = ['eq', 'in', 'prefix', 'gte', 'lte', 'exists', 'text_any', 'is_workday', 'time_in'] as const
export const TIERS = ['OWNER', 'ITEM_AREA', 'ITEM', 'MAJOR', 'FALLBACK'] as const
export const STATUSES = ['ACTIVE', 'SHADOW', 'OFF'] as const

/** A line of the form: one condition that has a row, perhaps turned round. */
export interface Line {
  op: string
  var: string
  text: string
  not: boolean
}

const NUMBERS = ['level', 'reporter_count', 'hour']
const WITHOUT_VAR = ['text_any', 'is_workday', 'time_in']
const simple = (c: Condition) => (OPERATORS as readonly string[]).includes(c.op) && !c.of

function toLine(c: Condition): Line | undefined {
  if (c.op === 'not') return c.of?.length === 1 && simple(c.of[0]!) ? { ...toLine(c.of[0]!)!, not: true } : undefined
  if (!simple(c)) return undefined
  const text = Array.isArray(c.value) ? c.value.join(comma()) : c.value === undefined ? '' : String(c.value)
  return { op: c.op, var: c.var ?? '', text, not: false }
}

/** The lines of a condition that is a plain list of "all of"; undefined when it is anything deeper. */
export function linesOf(when: Condition | undefined): Line[] | undefined {
  if (!when?.op) return []
  const parts = when.op === 'all' ? (when.of ?? []) : [when]
  const lines = parts.map(toLine)
  return lines.every((l): l is Line => l !== undefined) ? lines : undefined
}

function valueOf(l: Line): unknown {
  const one = (s: string) => (NUMBERS.includes(l.var) || l.op === 'time_in' ? Number(s) : s === 'true' ? true : s === 'false' ? false : s)
  if (l.op === 'exists') return undefined
  if (l.op === 'is_workday') return l.text !== 'false'
  if (['in', 'text_any', 'time_in'].includes(l.op)) return l.text.split(/[\s,，、;；]+/).filter(Boolean).map(one)
  return one(l.text.trim())
}

export function whenOf(lines: Line[]): Condition {
  return {
    op: 'all',
    of: lines.map((l) => {
      const c: Condition = { op: l.op, ...(WITHOUT_VAR.includes(l.op) ? {} : { var: l.var }), ...(l.op === 'exists' ? {} : { value: valueOf(l) }) }
      return l.not ? { op: 'not', of: [c] } : c
    }),
  }
}

/** The condition as a person reads it: "matter = 01037 且 street = 350102004". */
export function readCondition(c: Condition | undefined, words: { and: string; or: string; not: string; always: string; name: (v: string) => string; op: (op: string) => string; value?: (variable: string, v: string) => string }): string {
  if (!c?.op) return words.always
  const one = (v: unknown) => (c.var && words.value ? words.value(c.var, String(v)) : String(v))
  const value = (v: unknown) => (v === undefined ? '' : Array.isArray(v) ? v.map(one).join(comma()) : typeof v === 'object' && v !== null ? JSON.stringify(v) : one(v))
  const parts = (c.of ?? []).map((x) => (x.of && x.op !== 'not' && (x.of.length ?? 0) > 1 ? `（${readCondition(x, words)}）` : readCondition(x, words)))
  if (c.op === 'all') return parts.length === 0 ? words.always : parts.join(words.and)
  if (c.op === 'any') return parts.join(words.or)
  if (c.op === 'not') return `${words.not}${parts.join(words.and)}`
  return [c.var && words.name(c.var), words.op(c.op), value(c.value)].filter(Boolean).join(' ')
}

/** The body of a rule as it is sent: without what the server adds to its answers. */
export function toSend(rule: Rule): Record<string, unknown> {
  const { rank: _rank, as_cel: _cel, id: _id, district: _d, version: _v, ...rest } = rule
  return Object.fromEntries(Object.entries(rest).filter(([k, v]) => v !== undefined && v !== '' && !(k === 'source' && v === 'MANUAL')))
}

/** Rules that differ between two sets, by id. */
export interface RuleChange {
  id: string
  kind: 'added' | 'removed' | 'changed'
  before?: Rule
  after?: Rule
}

export function changedRules(before: Rule[], after: Rule[]): RuleChange[] {
  const strip = (r: Rule) => JSON.stringify(sorted(toSend(r)))
  const a = new Map(before.map((r) => [r.id, r]))
  const b = new Map(after.map((r) => [r.id, r]))
  return [...new Set([...a.keys(), ...b.keys()])].sort().flatMap((id): RuleChange[] => {
    const x = a.get(id)
    const y = b.get(id)
    if (x && y) return strip(x) === strip(y) ? [] : [{ id, kind: 'changed', before: x, after: y }]
    return [{ id, kind: y ? 'added' : 'removed', before: x, after: y }]
  })
}

function sorted(v: unknown): unknown {
  if (Array.isArray(v)) return v.map(sorted)
  if (v && typeof v === 'object') return Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, x]) => [k, sorted(x)]))
  return v
}
