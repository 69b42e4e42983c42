// How fast a desk is: the queue after an address was opened, a colleague's act until it is seen, a list of 100,000 rows under
// the wheel. Prints RESULT lines with medians; nothing here fails for being slow, as machines differ.
import { expect } from '@playwright/test'
import { api, deskSize, reported, test, token } from './kit'

test.skip(!process.env.E2E_FULL, 'measures: make e2e-full')
test.describe.configure({ timeout: 900_000 })
test.use({ trace: 'off' }) // a trace takes a picture of every frame, which is what would be measured

const sorted = (list: number[]) => [...list].sort((a, b) => a - b)
const at = (list: number[], share: number) => Math.round(sorted(list)[Math.min(list.length - 1, Math.floor(list.length * share))]! * 10) / 10
const result = (name: string, values: Record<string, number>) => console.log(`RESULT name=${name} ${Object.entries(values).map(([k, v]) => `${k}=${v}`).join(' ')}`)
const ROW = '.list li > a'

test('the queue opens, a change comes, a hundred thousand rows scroll', async ({ browser, request }) => {
  expect((await request.post(`${api}/sandbox/reset`, { data: { fixture: 'demo' } })).ok()).toBe(true)
  const cases: string[] = []
  for (let i = 0; i < 12; i++) cases.push(await reported(request, { text: `第 ${i} 处路面破损`, address: `津泰路 ${10 + i} 号` }))
  const context = await browser.newContext({ viewport: deskSize })
  expect((await context.request.post(`${api}/auth/login`, { data: { username: 'dis1', password: 'sandbox-dis1' } })).ok()).toBe(true)
  await context.addInitScript((row) => {
    const seen = () => document.querySelector(row) && ((window as unknown as { usable: number }).usable ??= performance.now())
    new MutationObserver(seen).observe(document, { childList: true, subtree: true })
  }, ROW)
  const page = await context.newPage()

  // From the address to a row that can be pressed; the first time nothing is in the browser's cache.
  const times: number[] = []
  for (let i = 0; i < 8; i++) {
    await page.goto('/desk/queue')
    await expect(page.locator(ROW).first()).toBeVisible()
    times.push(await page.evaluate(() => (window as unknown as { usable: number }).usable))
  }
  result('desk-queue', { first_ms: Math.round(times[0]!), median_ms: at(times.slice(1), 0.5), worst_ms: at(times.slice(1), 1), goal_ms: 1000 })

  // A street signs; the queue of the centre shows it by itself. Counted from the answer, which comes after the commit.
  await expect(page.getByText('实时', { exact: true })).toBeVisible()
  const street = { Authorization: `Bearer ${await token(request, 'duty-s-350102005')}` }
  const waits: number[] = []
  for (const id of cases.slice(0, 8)) {
    const row = page.locator(`${ROW}[href*="${id}"]`)
    await expect(row).toBeVisible()
    await page.evaluate(([link]) => {
      const w = window as unknown as { changed?: number }
      w.changed = undefined
      const look = new MutationObserver(() => {
        if (document.querySelector(link!)?.textContent?.includes('处置中')) {
          w.changed = Date.now()
          look.disconnect()
        }
      })
      look.observe(document.querySelector('.list')!, { childList: true, subtree: true, characterData: true })
    }, [`${ROW}[href*="${id}"]`])
    expect((await request.post(`${api}/cases/${id}/actions/sign`, { headers: street, data: {} })).ok()).toBe(true)
    const from = Date.now()
    await expect(row).toContainText('处置中')
    waits.push(Math.max(0, (await page.evaluate(() => (window as unknown as { changed: number }).changed)) - from))
  }
  result('desk-live', { median_ms: at(waits, 0.5), worst_ms: at(waits, 1), goal_ms: 1000 })

  // The server's own rows, many times over.
  const { items } = (await (await context.request.get(`${api}/cases?limit=12`)).json()) as { items: Record<string, unknown>[] }
  const PAGE = 4_000 // a list of more than twenty pages is no longer renewed by itself, and says so
  await page.route(/\/api\/v1\/cases\?/, (route) => {
    const n = Number(new URL(route.request().url()).searchParams.get('cursor') ?? 0)
    const rows = Array.from({ length: PAGE }, (_, i) => ({ ...items[i % items.length], id: `01a00000-0000-7000-8000-${String(n + i).padStart(12, '0')}`, case_no: `350102-20260608-${String(n + i).padStart(6, '0')}` }))
    return route.fulfill({ json: { items: rows, ...(n + PAGE < 100_000 ? { next_cursor: String(n + PAGE) } : {}) } })
  })
  await page.goto('/desk/queue')
  const height = () => page.locator('.list').evaluate((e) => e.scrollHeight)
  await expect.poll(height).toBeGreaterThan(PAGE * 40)
  const one = await height() // of a page: a press while one is loading would be none
  for (let n = PAGE; n < 100_000; n += PAGE) {
    await page.locator('.list').evaluate((e) => e.scrollTo(0, e.scrollHeight))
    await page.locator('.list').getByRole('button', { name: '加载更多' }).click()
    await expect.poll(height, { intervals: [50] }).toBeGreaterThan(one * (n / PAGE + 0.9))
  }
  await expect(page.getByText('已载入 100000 件')).toBeVisible()
  expect(await page.locator('.list li').count()).toBeLessThan(200)
  const cdp = await context.newCDPSession(page)
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' })
  const busy = async () => (await cdp.send('Performance.getMetrics')).metrics.find((m) => m.name === 'TaskDuration')!.value * 1000
  const before = await busy()
  const frames = await page.locator('.list').evaluate(
    (box) =>
      new Promise<number[]>((done) => {
        const deltas: number[] = []
        let last = 0
        box.scrollTop = 0
        const step = (now: number) => {
          if (last) deltas.push(now - last)
          last = now
          // A fast wheel, and every hundredth frame a drag of the bar to somewhere else.
          box.scrollTop = deltas.length % 100 === 99 ? Math.random() * box.scrollHeight : box.scrollTop + 240
          if (deltas.length < 600) requestAnimationFrame(step)
          else done(deltas)
        }
        requestAnimationFrame(step)
      }),
  )
  const cpu = ((await busy()) - before) / frames.length
  result('desk-scroll', { rows: 100_000, frame_p50_ms: at(frames, 0.5), frame_p95_ms: at(frames, 0.95), frame_worst_ms: at(frames, 1), cpu_ms_per_frame: Math.round(cpu * 10) / 10, goal_p95_ms: 50 })
  // Far down the keys still know where they are.
  await page.locator('.list').evaluate((e) => e.scrollTo(0, e.scrollHeight / 2))
  await page.locator(ROW).nth(30).focus()
  const i = await page.evaluate(() => Number(document.activeElement!.closest('li')!.dataset.i)) // of the row that has it: rows may just have changed
  for (let k = 0; k < 40; k++) await page.keyboard.press('j')
  await expect.poll(() => page.evaluate(() => Number(document.activeElement?.closest('li')?.dataset.i))).toBe(i + 40)
})
