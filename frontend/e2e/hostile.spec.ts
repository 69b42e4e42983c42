// Text that would like to be code, in every field that people write freely: each page shows it as the text it is. Security row 9.
import { expect, test, type BrowserContext } from '@playwright/test'
import { api, clock, deskSize, phoneSize } from './kit'
import { called, knownPhone, reportOf, set, settled, staff } from './scene'

test.skip(!process.env.E2E_FULL, 'longer than the share of every run: make e2e-full')

const payloads = [
  '<script>window.xss=1</script>', '<img src=x onerror="window.xss=1">', '<svg onload=window.xss=1>', '"><iframe srcdoc="<script>parent.xss=1</script>">', "';window.xss=1;//", 'javascript:window.xss=1', '{{constructor.constructor("window.xss=1")()}}',
  '<a href="javascript:window.xss=1">x</a>', '<math><mtext></table><img src=x onerror=window.xss=1>', '<body onload=window.xss=1>', '<details open ontoggle=window.xss=1>', '<style>*{display:none}</style>', '</textarea><img src=x onerror=window.xss=1>', '&lt;script&gt;window.xss=1&lt;/script&gt;',
  '<input autofocus onfocus=window.xss=1>', '<video><source onerror=window.xss=1>', '<base href="https://evil.example/">', '<meta http-equiv=refresh content="0;url=https://evil.example">', '<form action=https://evil.example><button>x', '${window.xss=1}',
]

test('what people write is shown, never run', async ({ browser }) => {
  test.setTimeout(900_000)
  const first = await browser.newContext({ viewport: phoneSize })
  expect((await first.request.post(`${api}/sandbox/reset`, { data: { fixture: 'demo' } })).ok()).toBe(true)
  const people = staff(browser)
  await knownPhone(first, '13900000001')
  const text = payloads.join(' ').slice(0, 1900)
  const report = await reportOf(first, { text, address: payloads[1], contact_name: payloads[2]!.slice(0, 40) })
  await called(people, report.case_id)
  for (const p of payloads) await people.act('duty-s-350102005', report.case_id, 'note', { text: p })
  await set(first.request, '09:20')

  const watch = async (context: BrowserContext, pages: [path: string, ready: string][]) => {
    const page = await context.newPage()
    const wrong: string[] = []
    page.on('dialog', (d) => {
      wrong.push(`dialog ${d.message()}`)
      void d.dismiss()
    })
    page.on('console', (m) => m.text().includes('Content Security Policy') && wrong.push(m.text()))
    page.on('request', (r) => r.url().includes('evil.example') && wrong.push(r.url()))
    for (const [path, ready] of pages) {
      await page.goto(path)
      await expect(page.locator(ready).first(), path).toBeVisible()
      await expect(page.locator('[role=status] > .card[aria-hidden]')).toHaveCount(0)
      expect(await page.evaluate(() => (window as unknown as { xss?: number }).xss), path).toBeUndefined()
      expect(await page.evaluate(() => document.querySelectorAll('iframe, main script, base, meta[http-equiv=refresh]').length), path).toBe(0)
    }
    expect(wrong).toEqual([])
    return page
  }
  const seen = await watch(first, [['/me', 'main li'], [`/c/${report.track_token}`, 'main h1'], [`/lite/c/${report.track_token}`, 'main h1']])
  await seen.goto(`/c/${report.track_token}`)
  await expect(seen.getByText('<script>window.xss=1</script>').first()).toBeVisible() // it is there, as text

  for (const [who, size, pages] of [
    ['duty-s-350102005', phoneSize, [['/w/', 'main li'], [`/w/case/${report.case_id}`, 'main h1'], [`/w/case/${report.case_id}/call`, 'main h2'], ['/w/inbox', 'main h1']]],
    ['dis1', deskSize, [['/desk/queue', 'main a'], [`/desk/cases/${report.case_id}`, '.case h2'], ['/desk/inbox', 'h1']]],
    ['sup1', deskSize, [['/desk/cockpit', 'h1'], [`/desk/cases/${report.case_id}`, '.case h2']]],
  ] as const) {
    const context = await browser.newContext({ viewport: size })
    expect((await context.request.post(`${api}/auth/login`, { data: { username: who, password: `sandbox-${who}` } })).ok()).toBe(true)
    await watch(context, pages.map(([path, ready]) => [path, ready]))
    await context.close()
  }

  // Closed and rated with words of its own: what the public sees, and what the checker reads.
  await settled(people, report.case_id)
  await clock(seen, '09:40')
  await watch(first, [[`/c/${report.track_token}`, 'main h1'], [`/r/${report.track_token}`, 'main h1']])
})
