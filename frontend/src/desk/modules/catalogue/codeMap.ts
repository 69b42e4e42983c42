// Codes of older standards: what a pasted table says.
import type { Schemas } from '@/shared/api/client'

export type Mapping = Schemas['CodeMapping']
/** The standards whose codes are still written by other systems. */
export const STANDARDS = ['CJ/T 214-2007', 'GB/T 30428.2-2013']
/** As the server takes at once. */
export const MOST = 2000

/** Rows of a spreadsheet (tabs) or of a CSV: standard, old code, new code; a heading is left out. The lines that say something else are named by number. */
export function parseRows(text: string): { items: Mapping[]; wrong: number[] } {
  const items: Mapping[] = []
  const wrong: number[] = []
  text.split(/\r?\n/).forEach((line, i) => {
    if (!line.trim()) return
    const cells = line.split(line.includes('\t') ? '\t' : /[,，]/).map((c) => c.trim())
    const [standard_from, code_from, code_to] = cells as [string?, string?, string?]
    if (i === 0 && code_to && !/^\d{5}$/.test(code_to) && !/\d/.test(code_from ?? '')) return
    if (cells.length !== 3 || !standard_from || !/^[0-9A-Za-z]{1,17}$/.test(code_from ?? '') || !/^\d{5}$/.test(code_to ?? '')) wrong.push(i + 1)
    else items.push({ standard_from, code_from: code_from!, code_to: code_to! })
  })
  return { items, wrong }
}
