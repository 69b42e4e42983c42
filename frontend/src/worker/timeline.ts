// From the evidence chain to lines that a person reads.
import { distance } from '@/shared/format'
import { t } from './i18n/work'
import type { CaseEvent } from './useCase'

export interface Line {
  seq: number
  at: string
  what: string
  who: string
  note: string
}

const MODES = { GPS: 'modeGPS', QR: 'modeQR', REMOTE: 'modeREMOTE' } as const

export function lineOf(e: CaseEvent): Line {
  const d = e.data as { eta_minutes?: unknown; mode?: unknown; distance_m?: unknown; late?: unknown }
  const facts: string[] = []
  if (e.action === 'ack' && Number(d.eta_minutes) > 0) facts.push(t('etaNote', { n: Number(d.eta_minutes) }))
  if (e.action === 'check_in') {
    if (typeof d.mode === 'string' && d.mode in MODES) facts.push(t(MODES[d.mode as keyof typeof MODES]))
    if (typeof d.distance_m === 'number') facts.push(t('distanceNote', { d: distance(d.distance_m) }))
    if (d.late === true) facts.push(t('lateNote'))
  }
  const who = e.actor === 'SYSTEM' ? t('system') : [e.unit_name, e.actor_name].filter(Boolean).join(' ')
  return { seq: e.seq, at: e.at, what: e.action_text || e.action, who, note: [...facts, e.text].filter(Boolean).join(' · ') }
}
