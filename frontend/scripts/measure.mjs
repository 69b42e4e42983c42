// What a phone feels: bytes, LCP, CLS and blocked time of the first pages on two slow phones, Lighthouse, and how long
// a photo of 12 megapixels takes to prepare. Against a running program in its sandbox (make measure starts one, else
// YIXIAN_URL); medians of 3. The times depend on the machine, so everything is printed against its goal and only the
// budget of bytes (npm run budget) fails a build. Lighthouse (200 MB of packages) is fetched for this only: no test
// installs it; MEASURE=bytes,pages,photo leaves it out.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { chromium } from '@playwright/test'

const base = process.env.YIXIAN_URL ?? 'http://127.0.0.1:8080'
const api = base + '/api/v1'
const parts = (process.env.MEASURE ?? 'bytes,pages,photo,lighthouse').split(',')
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
const LIGHTHOUSE = 'lighthouse@12.8.2'
const RUNS = 3
const QUIET = 2000 // ms without a new paint, shift or long task: the page has come
const slow4g = { name: 'slow 4G, CPU ×4', down: (1.6 * 1024 * 1024) / 8, up: (750 * 1024) / 8, latency: 150, cpu: 4, lcp: 2.0 }
const edge = { name: '700 kbit/s, CPU ×6', down: (700 * 1024) / 8, up: (300 * 1024) / 8, latency: 200, cpu: 6, lcp: 2.5 }
/** `as` is who looks; js and all are what must have come before the page works, in kB over the wire. */
const pages = [
  { name: 'resident', path: '/', js: 50, all: 60 },
  { name: 'field', path: '/w/sign-in', js: 60, all: 75 },
  { name: 'field tasks', path: '/w/', as: 'duty-s-350102005', js: 60, all: 75 },
  { name: 'lite', path: '/lite/', js: 0, all: 20 },
]
const judged = [
  { name: 'resident', path: '/', form: 'mobile' },
  { name: 'field tasks', path: '/w/', as: 'duty-s-350102005', form: 'mobile' },
  { name: 'desk queue', path: '/desk/', as: 'dis1', form: 'desktop' },
]
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]
const print = (ok, what, got, goal, unit) => console.log(`${ok ? 'ok  ' : 'MISS'} ${what.padEnd(44)} ${String(Math.round(got * 1000) / 1000).padStart(8)} of ${goal} ${unit}`)
const atMost = (what, got, goal, unit) => print(got <= goal, what, got, goal, unit)

/** A session's cookie, as a header. */
async function cookieOf(username) {
  const answer = await fetch(api + '/auth/login', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ username, password: `sandbox-${username}` }) })
  if (!answer.ok) throw new Error(`${username} cannot sign in: ${answer.status}`)
  return answer.headers.getSetCookie().map((c) => c.split(';')[0]).join('; ')
}

/** A list with something in it: the demo district and three broken roads. */
async function prepare() {
  const post = async (path, data, headers = {}) => {
    const answer = await fetch(api + path, { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(data) })
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  }
  await post('/sandbox/reset', { fixture: 'demo' })
  const Cookie = await cookieOf('hot1')
  for (const n of [12, 21, 30])
    await post('/reports', { text: `${n} 号门前路面有个大坑，晚上看不见`, matter: '06013', address: `津泰路 ${n} 号旁`, point: { lon: 119.2927, lat: 26.0858, datum: 'WGS84' }, on_behalf: true, phone: '13900000004' }, { Cookie, Origin: base })
}

/** What the page saw, once nothing happens any more. Asked without the driver's own script, which the slowed page would have to read as well. */
async function quiet(cdp) {
  const expression = '({ ...window.seen, still: performance.now() - window.seen.last, ready: window.seen.lcp > 0 && !!document.querySelector("main h1") })'
  for (;;) {
    await new Promise((go) => setTimeout(go, 250))
    const { result } = await cdp.send('Runtime.evaluate', { expression, returnByValue: true })
    if (result.value.ready && result.value.still > QUIET) return result.value
  }
}

/** One first visit: an empty cache, a phone's screen, the wire and the processor slowed down. */
async function visit(browser, path, wire, cookie) {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, locale: 'zh-CN' })
  if (cookie) await context.addCookies(cookie.split('; ').map((c) => ({ name: c.slice(0, c.indexOf('=')), value: c.slice(c.indexOf('=') + 1), url: base })))
  const page = await context.newPage()
  const cdp = await context.newCDPSession(page)
  await cdp.send('Network.enable')
  await cdp.send('Network.emulateNetworkConditions', { offline: false, downloadThroughput: wire.down, uploadThroughput: wire.up, latency: wire.latency })
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: wire.cpu })
  const bytes = { js: 0, all: 0 }
  const scripts = new Set()
  cdp.on('Network.responseReceived', (e) => e.type === 'Script' && scripts.add(e.requestId))
  cdp.on('Network.loadingFinished', (e) => {
    bytes.all += e.encodedDataLength / 1000
    if (scripts.has(e.requestId)) bytes.js += e.encodedDataLength / 1000
  })
  // What the page itself needs has come by then; what it asks for next (places, words, chunks for later) has not.
  const first = {}
  await cdp.send('Page.enable')
  cdp.on('Page.domContentEventFired', () => Object.assign(first, bytes))
  await page.addInitScript(() => {
    const seen = (window.seen = { lcp: 0, cls: 0, tbt: 0, last: 0 })
    const watch = (type, take) =>
      new PerformanceObserver((list) => {
        seen.last = performance.now()
        list.getEntries().forEach(take)
      }).observe({ type, buffered: true })
    watch('largest-contentful-paint', (e) => (seen.lcp = e.startTime))
    watch('layout-shift', (e) => e.hadRecentInput || (seen.cls += e.value))
    watch('longtask', (e) => (seen.tbt += Math.max(0, e.duration - 50)))
  })
  await page.goto(base + path, { waitUntil: 'load' })
  const seen = await quiet(cdp)
  await context.close()
  return { ...seen, ...first, later: bytes.all }
}

async function measurePages(browser) {
  for (const { name, path, as, js, all } of pages) {
    const cookie = as && (await cookieOf(as))
    for (const wire of [slow4g, edge]) {
      const runs = []
      for (let i = 0; i < RUNS; i++) runs.push(await visit(browser, path, wire, cookie))
      const of = (key) => median(runs.map((r) => r[key]))
      if (wire === slow4g) {
        atMost(`${name} scripts over the wire`, of('js'), js, 'kB')
        atMost(`${name} whole page over the wire`, of('all'), all, 'kB')
        console.log(`     ${name}: ${of('later').toFixed(0)} kB with all that it fetches by itself afterwards`)
      }
      atMost(`${name} LCP, ${wire.name}`, of('lcp') / 1000, wire.lcp, 's')
      atMost(`${name} CLS, ${wire.name}`, of('cls'), 0.05, '')
      if (wire === slow4g) atMost(`${name} blocked, ${wire.name}`, of('tbt'), 200, 'ms')
    }
  }
}

/** A photo of 12 megapixels, made here and full of detail, goes through the page's own input; what counts is the upload. */
async function measurePhoto(browser) {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } })
  const page = await context.newPage()
  await page.addInitScript(() => {
    window.sent = []
    let chosen = 0
    document.addEventListener('change', () => (chosen = performance.now()), true)
    const send = XMLHttpRequest.prototype.send
    XMLHttpRequest.prototype.send = function (body) {
      const file = body instanceof FormData ? [...body.values()].find((v) => v instanceof Blob) : body
      if (file instanceof Blob) window.sent.push({ ms: performance.now() - chosen, bytes: file.size })
      return send.call(this, body)
    }
  })
  await page.goto(base + '/')
  await page.locator('main h1').first().waitFor()
  const jpeg = await page.evaluate(async () => {
    const canvas = document.createElement('canvas')
    canvas.width = 4000
    canvas.height = 3000
    const paint = canvas.getContext('2d')
    for (let i = 0; i < 6000; i++) {
      paint.fillStyle = `hsl(${(i * 47) % 360} ${30 + (i % 50)}% ${20 + (i % 60)}%)`
      paint.fillRect((i * 733) % 4000, (i * 397) % 3000, 30 + (i % 170), 20 + (i % 130))
    }
    return canvas.toDataURL('image/jpeg', 0.92).slice('data:image/jpeg;base64,'.length)
  })
  const buffer = Buffer.from(jpeg, 'base64')
  const cdp = await context.newCDPSession(page)
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: 4 })
  for (let i = 0; i < RUNS; i++) {
    await page.locator('input[type=file]').first().setInputFiles({ name: 'photo.jpg', mimeType: 'image/jpeg', buffer })
    await page.waitForFunction((n) => window.sent.length >= n, i + 1)
  }
  const sent = await page.evaluate(() => window.sent)
  console.log(`     the photo has ${(buffer.length / 1e6).toFixed(1)} MB`)
  atMost('12 MP photo chosen → upload, CPU ×4', median(sent.map((s) => s.ms)) / 1000, 1.5, 's')
  atMost('12 MP photo sent', Math.max(...sent.map((s) => s.bytes)) / 1000, 500, 'kB')
  await context.close()
}

/**
 * Lighthouse makes a phone of this machine by dividing its speed by four, which is meant for one with an index of 1500
 * and more; a slower one is divided by less, so that the phone stays the same.
 */
const FAST = 1500
const slowdown = (index) => Math.min(4, Math.max(1, Math.round((40 * index) / FAST) / 10))

/** Lighthouse's own phone or desk; a run without figures (a busy machine) counts for nothing and is done again. */
function lighthouse(path, form, cookie, cpu) {
  for (let tries = 0; tries < 3; tries++) {
    const out = execFileSync(
      'npx',
      [
        ...['--yes', LIGHTHOUSE, base + path, '--quiet', '--output=json', '--only-categories=performance,accessibility,best-practices', '--chrome-flags=--headless=new --no-sandbox --disable-gpu'],
        ...(form === 'desktop' ? ['--preset=desktop'] : [`--throttling.cpuSlowdownMultiplier=${cpu}`]),
        ...(cookie ? [`--extra-headers=${JSON.stringify({ Cookie: cookie })}`] : []),
      ],
      { encoding: 'utf8', maxBuffer: 1 << 26, env: { ...process.env, CHROME_PATH: executablePath } },
    )
    const report = JSON.parse(out)
    const scores = Object.values(report.categories).map((c) => c.score)
    if (scores.every((s) => s !== null)) return report
  }
  throw new Error(`lighthouse gave no figures for ${path}`)
}

async function measureLighthouse() {
  const { benchmarkIndex: index } = lighthouse('/', 'mobile', undefined, 4).environment
  const cpu = slowdown(index)
  console.log(`     Lighthouse's index of this machine is ${Math.round(index)}: its phone is CPU ×${cpu}`)
  const goals = { performance: 95, accessibility: 100, 'best-practices': 100 }
  const figures = { 'largest-contentful-paint': ['LCP', 2000, 'ms'], 'cumulative-layout-shift': ['CLS', 0.05, ''], 'total-blocking-time': ['blocked', 200, 'ms'] }
  for (const { name, path, form, as } of judged) {
    const cookie = as && (await cookieOf(as))
    const runs = Array.from({ length: RUNS }, () => lighthouse(path, form, cookie, cpu))
    for (const [id, goal] of Object.entries(goals)) {
      const got = median(runs.map((r) => r.categories[id].score * 100))
      print(got >= goal, `${name} Lighthouse ${form} ${id}`, got, `at least ${goal}`, '')
      if (got >= goal) continue
      const worst = runs[0].categories[id].auditRefs.filter((a) => a.weight > 0 && runs[0].audits[a.id].score !== null && runs[0].audits[a.id].score < 0.9)
      for (const a of worst) console.log(`     ${a.id}: ${runs[0].audits[a.id].displayValue ?? runs[0].audits[a.id].title}`)
    }
    for (const [id, [what, goal, unit]] of Object.entries(figures)) atMost(`${name} Lighthouse ${form} ${what}`, median(runs.map((r) => r.audits[id].numericValue)), goal, unit)
  }
}

if (parts.includes('bytes')) execFileSync('node', [fileURLToPath(new URL('budget.mjs', import.meta.url))], { stdio: 'inherit' })
await prepare()
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-quic'] })
if (parts.includes('pages')) await measurePages(browser)
if (parts.includes('photo')) await measurePhoto(browser)
await browser.close()
if (parts.includes('lighthouse')) await measureLighthouse()
