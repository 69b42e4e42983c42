// An item of the responsibility catalogue in the form: lists are lines of text, the rest as the contract has it.
import type { Schemas } from '@/shared/api/client'

export type Item = Schemas['CatalogItem']
export type ItemIn = Schemas['CatalogItemNew']

export const LEVELS = ['COMMUNITY', 'STREET', 'DISTRICT', 'CITY'] as const
export const PRIORITIES = ['P1', 'P2', 'P3', 'P4'] as const
export const CHECKS = ['ALL', 'SAMPLE(30)', 'PHONE', 'NONE'] as const
export const SENSITIVITIES = ['PUBLIC', 'NORMAL', 'SENSITIVE', 'WHISTLEBLOWER'] as const

export const asLines = (list: readonly string[] | undefined): string => (list ?? []).join('\n')
export const fromLines = (text: string): string[] => text.split('\n').map((s) => s.trim()).filter(Boolean)

/** "处置 3WD" a line. */
export const asStages = (sla: Item['sla'] | undefined): string => (sla ?? []).map((s) => `${s.name} ${s.budget}`).join('\n')

/** The stages of the lines, or the first line that is none. */
export function toStages(text: string): { sla: Schemas['CatalogStage'][] } | { wrong: string } {
  const sla: Schemas['CatalogStage'][] = []
  for (const line of fromLines(text)) {
    const m = /^(.*\S)\s+(\d+(?:NM|NH|ND|WM|WH|WD))$/.exec(line)
    if (!m) return { wrong: line }
    sla.push({ name: m[1]!, budget: m[2]! })
  }
  return { sla }
}

/** What a change sends that the form does not show: it stays as it was. */
export function baseOf(item: Item): Pick<ItemIn, 'kind' | 'standard' | 'area' | 'major_name' | 'major_name_en' | 'facets' | 'version'> {
  return {
    kind: item.kind as ItemIn['kind'], standard: item.standard, ...(item.area ? { area: item.area } : {}), ...(item.major_name ? { major_name: item.major_name } : {}), ...(item.major_name_en ? { major_name_en: item.major_name_en } : {}),
    facets: item.facets, version: item.latest,
  }
}
