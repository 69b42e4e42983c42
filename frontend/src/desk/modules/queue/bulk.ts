// Which action several cases have in common: only those that need nothing, or one text that may be the same for all.
import type { Case } from '../cases/useCase'

export interface Common {
  action: string
  label: string
  /** Name of the one text it needs. */
  text?: string
  /** How many of the cases allow it. */
  count: number
}

/** Decisions that are taken one by one, whatever they need. */
const ALONE = ['reject', 'void', 'merge', 'arbitrate', 'call', 'reveal', 'return', 'dispute', 'check_pass', 'check_fail']

export function commonActions(cases: Pick<Case, 'allowed_actions'>[]): Common[] {
  const by = new Map<string, Common>()
  for (const c of cases)
    for (const a of c.allowed_actions) {
      if (ALONE.includes(a.action)) continue
      const needed = a.fields.filter((f) => f.required)
      const text = needed.length === 1 && (needed[0]!.type === 'text' || needed[0]!.type === 'longtext') ? needed[0]!.name : undefined
      if (needed.length > 0 && !text) continue
      const known = by.get(a.action)
      if (known) known.count++
      else by.set(a.action, { action: a.action, label: a.label, text, count: 1 })
    }
  return [...by.values()].sort((a, b) => b.count - a.count)
}
