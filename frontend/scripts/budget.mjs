// Fails when a page loads more than the design allows (shared/design/ux.md 3.4). Sizes are gzip, in kB of
// 1000 bytes, of what the browser must fetch before a page works: its HTML, and the scripts and styles
// reached by static imports. Chunks behind import() do not count; the largest are printed.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { gzipSync } from 'node:zlib'

const dist = new URL('../dist/', import.meta.url).pathname
const budgets = {
  resident: { html: 'index.html', js: 50, css: 6, total: 60 },
  worker: { html: 'w/index.html', page: 'tasks-', js: 60, css: 10, total: 75 },
  desk: { html: 'desk/index.html', js: 80, css: 20, total: 200 },
}
const LAZY = 200 // kB, no chunk behind import() may be larger

const size = (path) => gzipSync(readFileSync(path), { level: 9 }).length / 1000

/** Follows static imports; minified code writes them as from"./x.js" or import"./x.js". */
function reach(name, seen = new Set()) {
  if (seen.has(name)) return seen
  seen.add(name)
  const text = readFileSync(join(dist, 'assets', name), 'utf8')
  for (const m of text.matchAll(/(?:from|import)\s*["'`]\.\/([\w.-]+\.js)["'`]/g)) reach(m[1], seen)
  return seen
}

let failed = false
const first = new Set()
for (const [app, b] of Object.entries(budgets)) {
  const path = join(dist, b.html)
  if (!existsSync(path)) throw new Error(`${b.html} is missing: run npm run build first`)
  const html = readFileSync(path, 'utf8')
  // The page on which the field begins is behind import(), but nothing works without it.
  const assets = readdirSync(join(dist, 'assets')).filter((a) => b.page && a.startsWith(b.page) && /\.(js|css)$/.test(a))
  assets.push(...[...html.matchAll(/\/assets\/([\w.-]+\.(?:js|css))/g)].map((m) => m[1]))
  const scripts = new Set(assets.filter((a) => a.endsWith('.js')).flatMap((a) => [...reach(a)]))
  const styles = new Set(assets.filter((a) => a.endsWith('.css')))
  scripts.forEach((s) => first.add(s))
  const sum = (names) => [...names].reduce((n, a) => n + size(join(dist, 'assets', a)), 0)
  const got = { js: sum(scripts), css: sum(styles) }
  got.total = got.js + got.css + size(path)
  for (const part of ['js', 'css', 'total']) {
    const ok = got[part] <= b[part]
    failed ||= !ok
    console.log(`${ok ? 'ok  ' : 'OVER'} ${app.padEnd(9)} ${part.padEnd(6)} ${got[part].toFixed(1).padStart(6)} of ${b[part]} kB`)
  }
}
const lazy = readdirSync(join(dist, 'assets'))
  .filter((a) => a.endsWith('.js') && !first.has(a))
  .map((a) => [basename(a), size(join(dist, 'assets', a))])
  .sort((a, b) => b[1] - a[1])
for (const [name, kb] of lazy.slice(0, 8)) console.log(`${kb <= LAZY ? 'lazy' : 'OVER'} ${name.padEnd(32)} ${kb.toFixed(1).padStart(6)} kB`)
failed ||= lazy.some(([, kb]) => kb > LAZY)
process.exit(failed ? 1 : 0)
