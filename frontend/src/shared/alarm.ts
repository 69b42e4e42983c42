// Which emergencies and drills are in force: every page of staff says so in its header for as long as they last.
import { computed, onScopeDispose, shallowRef, type ComputedRef } from 'vue'
import { api, unwrap, type Schemas } from './api/client'
import { may, me } from './session'
import { useNow } from './sla'

export type Incident = Schemas['Incident']

/** Declared or confirmed, within its span, and — while nobody has confirmed it — within its first 30 minutes. */
export function inForce(i: Pick<Incident, 'state' | 'from' | 'until' | 'confirm_by'>, now: number): boolean {
  if (i.state === 'ENDED' || now < Date.parse(i.from) || (i.until && now >= Date.parse(i.until))) return false
  return i.state === 'CONFIRMED' || now < Date.parse(i.confirm_by)
}

export interface Alarm {
  /** Only drills are in force. */
  drill: boolean
  /** The one that is named: a real one before a drill, the latest of several. */
  first: Incident
  more: number
}

export function alarmOf(list: Incident[], now: number): Alarm | undefined {
  const on = list.filter((i) => inForce(i, now)).sort((a, b) => Number(a.drill) - Number(b.drill) || Date.parse(b.declared_at) - Date.parse(a.declared_at))
  return on[0] && { drill: on[0].drill, first: on[0], more: on.length - 1 }
}

const EVERY = 20_000 // the stream tells of cases only; an emergency may be news for that long
const open = shallowRef<Incident[]>([])

/** Asks again which are in force; a failure keeps what was known, the next round will tell. */
export async function readAlarm(): Promise<void> {
  if (!me.value || !may('staff')) {
    open.value = []
    return
  }
  try {
    open.value = (await unwrap(api.GET('/incidents', { params: { query: { state: 'OPEN', limit: 50 } } }))).items
  } catch {
    return
  }
}

/** For as long as the calling component lives. No vue-query here: the phone's first page is counted in bytes. */
export function useAlarm(): ComputedRef<Alarm | undefined> {
  const now = useNow()
  const timer = setInterval(() => document.hidden || void readAlarm(), EVERY)
  onScopeDispose(() => clearInterval(timer))
  void readAlarm()
  return computed(() => alarmOf(open.value, now.value))
}
