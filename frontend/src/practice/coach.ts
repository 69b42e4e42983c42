// Where the learner stands, read from nothing but the practice case itself: whatever they did on whichever page, and in
// whatever order, the coach says what comes next and what went wrong.
import type { Schemas } from '@/shared/api/client'

type Case = Schemas['Case']
export const STEPS = ['sign', 'call', 'arrive', 'result', 'rate'] as const
export type Step = (typeof STEPS)[number]

export type Trouble = 'gone' | 'returned' | 'withdrawn' | 'left' | 'overdue'

export interface Standing {
  /** The step to do now; undefined when all are done. */
  now?: Step
  trouble?: Trouble
  /** The exercise cannot go on from here. */
  stuck: boolean
}

const INTERIM = ['SUBMITTED', 'VERIFYING', 'FILED', 'REJECTED', 'MERGED', 'VOIDED', 'DISPUTED', 'SUSPENDED']

function stepOf(c: Pick<Case, 'state' | 'call' | 'allowed_actions'>): Step | undefined {
  switch (c.state) {
    case 'DISPATCHED':
      return 'sign'
    case 'HANDLING':
      return 'call'
    case 'CALLING':
      return 'arrive'
    case 'ONSITE':
    case 'RESOLVED':
      return 'result'
    case 'CLOSED':
      return c.allowed_actions.some((a) => a.action === 'rate_unit') ? 'rate' : undefined
  }
  return undefined
}

export function standing(c: Pick<Case, 'state' | 'call' | 'allowed_actions' | 'return_count' | 'clocks'>): Standing {
  if (c.return_count > 0) return { trouble: 'returned', stuck: true }
  if (INTERIM.includes(c.state)) return { trouble: 'left', stuck: true }
  const now = stepOf(c)
  if (c.state === 'HANDLING' && c.call?.state === 'WITHDRAWN') return { now, trouble: 'withdrawn', stuck: false }
  if (now && c.clocks.some((k) => k.state === 'RUNNING' && k.light === 'red')) return { now, trouble: 'overdue', stuck: false }
  return { now, stuck: false }
}

/** done, now or later for each step of the list. */
export function marks(now: Step | undefined): ('done' | 'now' | 'todo')[] {
  const at = now ? STEPS.indexOf(now) : STEPS.length
  return STEPS.map((_, i) => (i < at ? 'done' : i === at ? 'now' : 'todo'))
}

/** What a refused act is explained by: codes with words of their own, else the server's. */
export function explain(code: string): string {
  return ['LEVEL_TOO_LOW', 'LEVEL_TOO_HIGH', 'NOT_YOURS', 'STALE', 'INVALID', 'WRONG_STATE'].includes(code) ? code : 'other'
}
