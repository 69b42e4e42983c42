// What a phone feels: LCP, CLS and blocked time of the first pages on two slow phones, and how long a photo of 12
// megapixels takes to prepare. Against a running program (YIXIAN_URL, default http://127.0.0.1:8080); medians of 3.
// Chromium's own throttling; the figures depend on the machine, so they are printed against their goals and only
// the budget of bytes (npm run budget) fails a build.
import { chromium } from '@playwright/test'

const base = process.env.YIXIAN_URL ?? 'http://127.0.0.1:8080'
const RUNS = 3
const slow4g = { name: 'slow 4G, CPU ×4', down: (1.6 * 1024 * 1024) / 8, up: (750 * 1024) / 8, latency: 150, cpu: 4, lcp: 2.0 }
const edge = { name: '700 kbit/s, CPU ×6', down: (700 * 1024) / 8, up: (300 * 1024) / 8, latency: 200, cpu: 6, lcp: 2.5 }
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-quic'] })

/** One first visit: an empty cache, a phone's screen, the wire and the processor slowed down. */
async function visit(path, wire) {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, locale: 'zh-CN' })
  const page = await context.newPage()
  const cdp = await context.newCDPSession(page)
  await cdp.send('Network.enable')
  await cdp.send('Network.emulateNetworkConditions', { offline: false, downloadThroughput: wire.down, uploadThroughput: wire.up, latency: wire.latency })
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: wire.cpu })
  await page.addInitScript(() => {
    window.seen = { lcp: 0, cls: 0, tbt: 0 }
    new PerformanceObserver((list) => list.getEntries().forEach((e) => (window.seen.lcp = e.startTime))).observe({ type: 'largest-contentful-paint', buffered: true })
    new PerformanceObserver((list) => list.getEntries().forEach((e) => e.hadRecentInput || (window.seen.cls += e.value))).observe({ type: 'layout-shift', buffered: true })
    new PerformanceObserver((list) => list.getEntries().forEach((e) => (window.seen.tbt += Math.max(0, e.duration - 50)))).observe({ type: 'longtask', buffered: true })
  })
  await page.goto(base + path, { waitUntil: 'networkidle' })
  const seen = await page.evaluate(() => window.seen)
  await context.close()
  return seen
}

const line = (what, got, goal, unit) => console.log(`${got <= goal ? 'ok  ' : 'OVER'} ${what.padEnd(44)} ${String(Math.round(got * 1000) / 1000).padStart(8)} of ${goal} ${unit}`)

for (const [name, path] of [['resident', '/'], ['field', '/w/sign-in'], ['lite', '/lite/']])
  for (const wire of [slow4g, edge]) {
    const runs = []
    for (let i = 0; i < RUNS; i++) runs.push(await visit(path, wire))
    line(`${name} LCP, ${wire.name}`, median(runs.map((r) => r.lcp / 1000)), wire.lcp, 's')
    line(`${name} CLS`, median(runs.map((r) => r.cls)), 0.05, '')
    if (wire === slow4g) line(`${name} blocked`, median(runs.map((r) => r.tbt)), 200, 'ms')
  }


// A photo of 12 megapixels made here, full of detail, goes through the page's own input; what counts is what was sent.
const context = await browser.newContext({ viewport: { width: 390, height: 844 } })
const page = await context.newPage()
await page.goto(base + '/')
const jpeg = await page.evaluate(async () => {
  const canvas = document.createElement('canvas')
  canvas.width = 4000
  canvas.height = 3000
  const paint = canvas.getContext('2d')
  for (let i = 0; i < 6000; i++) {
    paint.fillStyle = `hsl(${(i * 47) % 360} ${30 + (i % 50)}% ${20 + (i % 60)}%)`
    paint.fillRect((i * 733) % 4000, (i * 397) % 3000, 30 + (i % 170), 20 + (i % 130))
  }
  const blob = await new Promise((done) => canvas.toBlob(done, 'image/jpeg', 0.92))
  return [...new Uint8Array(await blob.arrayBuffer())]
})
const cdp = await context.newCDPSession(page)
await cdp.send('Emulation.setCPUThrottlingRate', { rate: 4 })
const times = []
let bytes = 0
page.on('request', (r) => r.url().endsWith('/api/v1/media') && (bytes = r.postDataBuffer()?.length ?? bytes))
for (let i = 0; i < RUNS; i++) {
  const start = Date.now()
  await page.locator('input[type=file]').first().setInputFiles({ name: 'photo.jpg', mimeType: 'image/jpeg', buffer: Buffer.from(jpeg) })
  await page.getByAltText(`第 ${i + 1} 张照片`).waitFor()
  times.push((Date.now() - start) / 1000)
}
line('12 MP photo prepared, CPU ×4', median(times), 1.5, 's')
await page.waitForLoadState('networkidle')
line('12 MP photo sent', bytes / 1000, 500, 'kB')
await browser.close()
