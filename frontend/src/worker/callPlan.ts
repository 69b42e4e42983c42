// Who may call whom at which level (domain 4b T14), for the call screen; the server decides in the end.
import type { Schemas } from '@/shared/api/client'
import type { TargetValue } from './values'

export const LEVELS = ['L1', 'L2', 'L3'] as const
export type Level = (typeof LEVELS)[number]
export const REASONS = ['NO_POWER', 'NO_CAPACITY', 'JOINT', 'EMERGENCY'] as const
export type Reason = (typeof REASONS)[number]

const BY_ROLE: Record<string, Level> = { STREET_OFFICER: 'L1', STREET_LEADER: 'L2', STREET_SECRETARY: 'L3' }

/** The highest level these roles may call. */
export function highestLevel(roles: string[]): Level {
  return roles.map((r) => BY_ROLE[r]).filter((l): l is Level => !!l).sort().pop() ?? 'L1'
}

type Proposal = Schemas['Proposal']

export interface Plan {
  level: Level
  reason: Reason
  targets: TargetValue[]
}

/** What the call screen starts with: the rule's targets, and its level if this person may use it. */
export function plan(proposal: Proposal | undefined, priority: string, roles: string[]): Plan {
  const wanted = LEVELS.find((l) => l === proposal?.level) ?? 'L1'
  const highest = highestLevel(roles)
  const targets = (proposal?.targets ?? []).map(({ unit, lead }) => ({ unit, lead }))
  if (targets.length > 0 && !targets.some((x) => x.lead)) targets[0]!.lead = true
  return {
    level: wanted < highest ? wanted : highest,
    reason: priority === 'P1' ? 'EMERGENCY' : targets.length > 1 ? 'JOINT' : 'NO_POWER',
    targets,
  }
}

/** A rule may demand a level above what this person may call: then somebody else has to. */
export function levelProblem(proposal: Proposal | undefined, roles: string[]): Level | undefined {
  const need = LEVELS.find((l) => l === proposal?.level)
  return need && proposal?.required && need > highestLevel(roles) ? need : undefined
}

/** Levels below what the rule demands, or above what the person may, cannot be chosen. */
export function levelAllowed(level: Level, proposal: Proposal | undefined, roles: string[]): boolean {
  const need = proposal?.required ? proposal.level : undefined
  return level <= highestLevel(roles) && (!need || level >= need)
}
