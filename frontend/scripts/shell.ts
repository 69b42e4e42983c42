// Puts the resident's first page into its shell. What stands there is a picture for the seconds until the program draws the same: no
// name, no control of it can be reached by a key, a pointer or a reader.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Window } from 'happy-dom'

const PLACE = '<!--first page-->'

/** The markup as a picture: nothing in it is focused, sent, named or read. */
export function picture(html: string): string {
  return html
    .replace(/<!--.*?-->/g, '')
    .replace(/<main\b/g, '<div').replace(/<\/main>/g, '</div>') // the one main of the page is the program's
    .replace(/<input[^>]*type="file"[^>]*>/g, '')
    .replace(/ style=""/g, '') // the page's own policy refuses style attributes
    .replace(/ (?:id|for|name|href|aria-[a-z]+|role|tabindex)="[^"]*"/g, '')
    .replace(/<(input|textarea)\b/g, '<$1 readonly')
    .replace(/<(button|input|textarea)\b/g, '<$1 tabindex="-1"')
}

/** @param built folder of the shell's build; it is removed */
export async function drawShell(dist: string, built: string): Promise<void> {
  const page = new Window({ url: 'http://localhost/' })
  const names = ['window', 'document', 'location', 'history', 'navigator', 'localStorage', 'sessionStorage', 'matchMedia', 'addEventListener'] as const
  for (const name of names) Object.defineProperty(globalThis, name, { configurable: true, value: name === 'window' ? page : page[name as 'document'] })
  const { firstPage } = (await import(pathToFileURL(join(built, 'shell.js')).href)) as { firstPage: () => Promise<string> }
  const path = join(dist, 'index.html')
  const html = readFileSync(path, 'utf8')
  if (!html.includes(PLACE)) throw new Error(`index.html has no ${PLACE}`)
  writeFileSync(path, html.replace(PLACE, picture(await firstPage())))
  rmSync(built, { recursive: true })
  await page.happyDOM.close()
}
