// From what a task asks to the one big button of its card, and the order of a case's actions.
import type { Schemas } from '@/shared/api/client'
import { t, type Key } from './i18n'
import type { Action, Case } from './useCase'

export interface Step {
  key: Key
  /** Done at once, without a form. */
  act?: string
  /** Else where to go. */
  to?: string
}

export function nextStep(task: Pick<Schemas['Task'], 'id' | 'task'>): Step {
  const page = `/case/${task.id}`
  switch (task.task) {
    case 'SIGN':
      return { key: 'nextSign', act: 'sign' }
    case 'ACK':
      return { key: 'nextAck', to: `${page}?do=ack` }
    case 'CHECK_IN':
      return { key: 'nextCheckIn', to: `${page}?do=check_in` }
    case 'HANDLE':
      return { key: 'nextHandle', to: page }
    case 'CALL':
      return { key: 'nextCall', to: `${page}/call` }
    case 'VERIFY':
      return { key: 'nextVerify', to: `${page}?do=verify` }
    case 'ARBITRATE':
      return { key: 'nextArbitrate', to: page }
    case 'DECIDE':
      return { key: 'nextDecide', to: page }
    case 'CHECK':
      return { key: 'nextCheck', to: page }
    default:
      return { key: 'nextOpen', to: page }
  }
}

/** What comes first when several things may be done. Contact disappears once it is recorded. */
const ORDER = ['reply', 'sign', 'ack', 'check_in', 'verify', 'contact', 'resolve', 'check_pass', 'check_fail', 'resume', 'call', 'reveal', 'consult', 'file', 'dispatch', 'arbitrate', 'approve', 'decline', 'reopen', 'return', 'extend', 'suspend', 'dispute', 'withdraw_call', 'note']
/** These are never the main thing to do. */
const SIDE = ['check_fail', 'return', 'note', 'reveal', 'reject', 'void', 'merge', 'request_verify', 'decline', 'extend', 'suspend', 'dispute', 'withdraw_call', 'supervise']

/**
 * The actions in the order of the screen, the main one apart. First the word with the reporter (unless they
 * asked not to be called), then the call if the rules demand one, then the result.
 */
export function orderActions(item: Pick<Case, 'allowed_actions' | 'proposal' | 'call' | 'reports'>): { main?: Action; others: Action[] } {
  const mustCall = item.proposal?.required === true && !item.call
  const silent = item.reports.length > 0 && item.reports.every((r) => r.reporter?.no_contact)
  const rank = ({ action }: Action) => {
    if (action === 'call' && mustCall) return ORDER.indexOf('resolve') - 0.5
    if (action === 'contact' && silent) return ORDER.indexOf('call') + 0.5
    const i = ORDER.indexOf(action)
    return i < 0 ? ORDER.length : i
  }
  const sorted = [...item.allowed_actions].sort((a, b) => rank(a) - rank(b))
  const main = sorted.find((a) => !SIDE.includes(a.action))
  return { main, others: sorted.filter((a) => a !== main) }
}

/** The two buttons of a called department have words of their own; every other label is the server's. */
export function labelOf(a: Action): string {
  return a.action === 'ack' ? t('nextAck') : a.action === 'check_in' ? t('nextCheckIn') : a.label
}
