import { BASE } from '@/shared/api/client'
import { networkError, toApiError } from '@/shared/api/problem'

export const PERIODS = ['day', 'week', 'month', 'quarter'] as const
export type Period = (typeof PERIODS)[number]
export const WHATS = ['metrics', 'hotline', 'assessments', 'burden', 'cases'] as const
export type What = (typeof WHATS)[number]

/** Of which spans a table comes; the server refuses the others in words. */
export function periodsOf(what: What): readonly Period[] {
  return what === 'assessments' ? ['month', 'quarter'] : what === 'burden' ? ['month'] : PERIODS
}

/** How a table may be grouped; empty: it is not. */
export function groupsOf(what: What): readonly ('unit' | 'street' | 'matter' | 'day' | 'source')[] {
  return what === 'metrics' ? ['unit', 'street', 'matter', 'day'] : what === 'hotline' ? ['source', 'street', 'unit', 'day'] : []
}

/** Names typed into one field, by whatever people put between them. */
export function names(text: string): string[] {
  return [...new Set(text.split(/[\s,，、;；]+/).filter(Boolean))]
}

/** Fetches a file and hands it to the browser; an ApiError says why there is none. */
export async function take(link: string, name: string): Promise<void> {
  let answer: Response
  try {
    answer = await fetch(link, { credentials: 'same-origin' })
  } catch {
    throw networkError()
  }
  if (!answer.ok) throw toApiError(answer.status, await answer.json().catch(() => undefined), answer.headers)
  const named = /filename="([^"]+)"/.exec(answer.headers.get('Content-Disposition') ?? '')?.[1]
  const url = URL.createObjectURL(await answer.blob())
  const a = Object.assign(document.createElement('a'), { href: url, download: named ?? name })
  a.click()
  URL.revokeObjectURL(url)
}

/** The path of the file behind a link out of a mail. */
export function fileOf(token: string): string {
  return `${BASE}/report_files/${encodeURIComponent(token)}`
}
