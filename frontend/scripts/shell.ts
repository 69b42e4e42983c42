// Puts the resident's first page into its shell, where it stands for the seconds until the program draws the same.
import { createHash } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Window } from 'happy-dom'

const PLACE = '<!--first page-->'

/** @param built folder of the build of src/resident/shell.ts; it is removed */
export async function drawShell(dist: string, built: string): Promise<void> {
  const page = new Window({ url: 'http://localhost/' })
  const names = ['window', 'document', 'location', 'history', 'navigator', 'localStorage', 'sessionStorage', 'matchMedia', 'addEventListener'] as const
  for (const name of names) Object.defineProperty(globalThis, name, { configurable: true, value: name === 'window' ? page : page[name as 'document'] })
  const { firstPage } = (await import(pathToFileURL(join(built, 'shell.js')).href)) as typeof import('../src/resident/shell')
  const path = join(dist, 'index.html')
  const html = readFileSync(path, 'utf8')
  const drawn = await firstPage()
  if (!html.includes(PLACE) || drawn.includes(' style=')) throw new Error('the shell has no place for the first page, or that has a style attribute')
  // What decides whether it is shown stands before the first paint: named by its content it is asked for once, not at every visit.
  const script = join(dist, 'shell.js')
  const named = `assets/shell-${createHash('sha256').update(readFileSync(script)).digest('base64url').slice(0, 8)}.js`
  renameSync(script, join(dist, named))
  if (!html.includes('"/shell.js"')) throw new Error('the shell does not load shell.js')
  writeFileSync(path, html.replace('/shell.js', '/' + named).replace(PLACE, () => drawn))
  rmSync(built, { recursive: true })
  await page.happyDOM.close()
}
