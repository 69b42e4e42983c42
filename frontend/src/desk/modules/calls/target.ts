// What a called unit owes next, and how its row looks.
import type { Schemas } from '@/shared/api/client'
import type { Tone } from '@/ui/StatusTag.vue'

export type CallTarget = Schemas['CallTarget']

export interface Owed {
  kind: 'ack' | 'checkin'
  due: string
  /** When this step began, if it is known; else the ring starts at the call. */
  start?: string
}

/** First the answer, then the arrival; nothing once checked in, withdrawn or released. */
export function oweNext(x: CallTarget): Owed | undefined {
  if (x.checked_in_at || x.withdrawn || x.released) return undefined
  return x.acked_at ? { kind: 'checkin', due: x.checkin_due } : { kind: 'ack', due: x.ack_due }
}

export function targetTone(x: CallTarget): Tone {
  if (x.withdrawn || x.released) return 'grey'
  return x.checked_in_at && !x.late ? 'green' : 'amber'
}

/** The next instant anybody of a call is due; calls are read in this order. */
export function nextDue(targets: CallTarget[]): number {
  return Math.min(...targets.map((x) => Date.parse(oweNext(x)?.due ?? '') || Infinity))
}
