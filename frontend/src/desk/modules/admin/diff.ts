// What differs between two states of a thing, member by member, in words short enough for a line.
import { comma } from '@/shared/i18n'
export interface Difference {
  name: string
  from: string
  to: string
}

/** A value as one line: lists joined, objects as JSON, nothing as "—". */
export function shown(v: unknown): string {
  if (v === undefined || v === null || v === '') return '—'
  if (typeof v === 'boolean') return v ? '✓' : '✗'
  if (Array.isArray(v)) return v.length === 0 ? '—' : v.map((x) => (typeof x === 'object' && x !== null ? JSON.stringify(x) : String(x))).join(comma())
  return typeof v === 'object' ? JSON.stringify(v) : String(v)
}

const SILENT = ['version', 'district', 'updated_at']

export function differences(before: Record<string, unknown> | null | undefined, after: Record<string, unknown> | null | undefined): Difference[] {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].filter((n) => !SILENT.includes(n))
  return names
    .map((name) => ({ name, from: shown(before?.[name]), to: shown(after?.[name]) }))
    .filter((d) => d.from !== d.to)
}
