// Words made of figures and codes: budgets, instants with seconds, sources of a light, sums of a ratio.
import type { Schemas } from '@/shared/api/client'
import { percent } from '@/shared/format'
import { locale } from '@/shared/i18n'
import type { Light } from '@/shared/sla'
import type { Tone } from '@/ui/StatusTag.vue'
import { t, term } from './i18n'

const seconds = new Intl.DateTimeFormat('en-GB', { timeZone: 'Asia/Shanghai', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })

/** 09:41:20 on the district's wall clock. */
export function clockSeconds(at: string | number): string {
  return seconds.format(new Date(at))
}

/** "4WH" → "4 工作时". Anything else is shown as it is. */
export function budgetText(budget: string | undefined): string {
  const m = /^(\d+)(NM|NH|ND|WM|WH|WD)$/.exec(budget ?? '')
  return m ? t(`budget.${m[2] as 'WD'}`, { n: m[1]! }) : (budget ?? '')
}

/** The server's light, unless the instant has passed since it was asked. */
export function lightOf(light: Light, dueAt: string | null | undefined, now: number): Light {
  return dueAt && Date.parse(dueAt) < now ? 'red' : light
}

export const lightTone: Record<Light, Tone> = { green: 'green', yellow: 'amber', red: 'red' }

const tones: Record<string, Tone> = {
  SUBMITTED: 'amber', VERIFYING: 'amber', FILED: 'amber', DISPATCHED: 'blue', HANDLING: 'blue', CALLING: 'red', ONSITE: 'blue',
  DISPUTED: 'red', SUSPENDED: 'grey', RESOLVED: 'green', CLOSED: 'green',
}
/** Red asks for somebody now, amber for a decision, blue is in hand, green is done. */
export function stateTone(state: string): Tone {
  return tones[state] ?? 'grey'
}

export function stateText(state: string, label?: string): string {
  return term('state', state, label)
}

/** "100%" only when the server's own text says so, "—" for N/A. */
export function ratioText(ratio: Schemas['Ratio'] | undefined): string {
  if (!ratio) return '—'
  return ratio.text ?? percent(ratio.value)
}

/** The name of a matter in the reader's language, where the catalogue has one. */
export function matterName(m: { name: string; name_en?: string }): string {
  return (locale.value === 'en' && m.name_en) || m.name
}
