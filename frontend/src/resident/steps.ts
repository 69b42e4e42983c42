// The six words a resident sees instead of fifteen states (domain 4b), and the timeline under them.
import { when } from '@/shared/format'
import type { Step } from '@/ui/CaseSteps.vue'
import type { Tone } from '@/ui/StatusTag.vue'
import { t } from './i18n/follow'
import type { View } from './useTrack'

export const STEP_KEYS = ['step0', 'step1', 'step2', 'step3', 'step4', 'step5'] as const
const LAST = STEP_KEYS.length - 1

/** Ends that are not the good end: their status says it all, no further step is promised. */
const ENDED = ['REJECTED', 'MERGED', 'VOIDED', 'ARCHIVED']

/** An end on the way: a bar that fills up to the good end would say what did not happen. */
export function endedEarly(state: string): boolean {
  return state !== 'ARCHIVED' && ENDED.includes(state)
}

export function toneOf(view: Pick<View, 'state' | 'status_step' | 'overdue'>): Tone {
  if (view.state === 'REJECTED' || view.state === 'VOIDED') return 'grey'
  if (view.status_step >= 4) return 'green'
  return view.overdue ? 'red' : view.state === 'SUSPENDED' ? 'amber' : 'blue'
}

const bare = (text: string) => text.replace(/\s/g, '')

/** What happened with its times, then what stands now, then the next word only. */
export function timeline(view: View, now: number): Step[] {
  const done: Step[] = view.timeline.map((e) => ({ label: e.text, at: when(e.at, now), state: 'done' }))
  if (ENDED.includes(view.state)) return done
  const note = view.promise_at && view.status_step < 4 ? t('promise', { time: when(view.promise_at, now) }) : undefined
  // What happened last often says what stands now: one line for both.
  const last = done[done.length - 1]
  const steps: Step[] = last && bare(last.label).endsWith(bare(view.status_text)) ? [...done.slice(0, -1), { ...last, state: 'now', note }] : [...done, { label: view.status_text, state: 'now', note }]
  const next = view.status_step + 1
  if (next < LAST) steps.push({ label: t(STEP_KEYS[next]!), state: 'next' })
  return steps
}
