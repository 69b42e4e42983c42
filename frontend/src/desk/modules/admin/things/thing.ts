// What a kind of thing looks like to an administrator: its columns, filters, fields and verbs, as data for one page.
import type { Thingy } from '../office'

export type FieldType = 'text' | 'longtext' | 'choice' | 'unit' | 'bool' | 'lines' | 'point' | 'bindings'

export interface ThingField {
  name: string
  type: FieldType
  required?: boolean
  /** Codes of a choice; words are `<words>.<CODE>`. */
  options?: readonly string[]
  words?: string
  max?: number
  /** Set when adding, never afterwards. */
  once?: boolean
  /** Key of a line under the label. */
  hint?: string
}

export interface ThingColumn {
  name: string
  text: (row: Thingy, w: Words) => string
  num?: boolean
  /** Shown as a tag of this tone. */
  tone?: (row: Thingy) => 'green' | 'grey' | 'red' | 'amber'
}

/** What the columns ask of the page: names of units, words of codes. */
export interface Words {
  unit: (code: string) => string
  term: (group: string, code: string) => string
  when: (at: string) => string
}

export interface ThingFilter {
  name: string
  type: 'choice' | 'unit' | 'text' | 'bool'
  options?: readonly string[]
  words?: string
}

export interface Thing {
  name: 'units' | 'users' | 'components' | 'devices' | 'place_codes'
  /** Kind of its rows in the audit trail. */
  kind: string
  key: (row: Thingy) => string
  title: (row: Thingy) => string
  /** Whether a list can be searched by words. */
  search: boolean
  columns: ThingColumn[]
  filters: ThingFilter[]
  fields: ThingField[]
  verbs: (row: Thingy) => string[]
  /** Answers of adding, changing and verbs wrap the thing under this member. */
  within?: string
}

export const str = (v: unknown): string => (typeof v === 'string' ? v : '')
export const list = (v: unknown): string[] => (Array.isArray(v) ? v.filter((x): x is string => typeof x === 'string') : [])

/** The body of adding or changing: what the form holds, without empty members, with the version that was read. */
export function bodyOf(fields: ThingField[], values: Thingy, version?: number): Thingy {
  const body: Thingy = version === undefined ? {} : { version }
  for (const f of fields) {
    if (f.once && version !== undefined) continue
    const v = values[f.name]
    if (typeof v === 'string') {
      if (v.trim() || !f.once) body[f.name] = v.trim()
    } else if (v !== undefined && v !== null) body[f.name] = v
  }
  for (const f of fields) if (!f.required && body[f.name] === '' && (f.type === 'choice' || f.once)) delete body[f.name]
  return body
}

/** Names of required fields that are empty. */
export function lacking(fields: ThingField[], values: Thingy, adding: boolean): string[] {
  return fields
    .filter((f) => f.required && (adding || !f.once))
    .filter((f) => {
      const v = values[f.name]
      return v === undefined || v === null || (typeof v === 'string' && !v.trim()) || (Array.isArray(v) && v.length === 0)
    })
    .map((f) => f.name)
}
