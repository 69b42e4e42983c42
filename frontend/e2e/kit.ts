// What the journeys share: people who sign in, the practice clock, accessibility, pictures.
import { existsSync } from 'node:fs'
import { expect, test as base, type APIRequestContext, type Browser, type Locator, type Page } from '@playwright/test'
import { AxeBuilder } from '@axe-core/playwright'

export const api = '/api/v1'
export const phoneSize = { width: 390, height: 844 }
export const deskSize = { width: 1440, height: 900 }
export const place = { latitude: 26.0858, longitude: 119.2927, accuracy: 10 } // where the photo says it was taken
const day = '2026-06-08'
const shared = '../../shared/data/images/gps_gulou_wgs84.jpg'
/** A photo that knows where it was taken; pictures for the README show our own. */
export const photo = !process.env.SCREENSHOTS && existsSync(shared) ? shared : 'e2e/stand-in.jpg'

/**
 * What every journey ends with, whoever opened the page: the page policy (CSP) refused nothing and no script threw.
 * A test that provokes such a thing takes it out of `wrong`.
 */
export const test = base.extend<{ wrong: string[] }>({
  wrong: [
    async ({ browser }, use) => {
      const wrong: string[] = []
      const open = browser.newContext.bind(browser)
      browser.newContext = async (options) => {
        const context = await open(options)
        context.on('console', (m) => m.type() === 'error' && m.text().includes('Content Security Policy') && wrong.push(m.text()))
        context.on('weberror', (e) => wrong.push(String(e.error())))
        return context
      }
      await use(wrong)
      browser.newContext = open
      expect(wrong).toEqual([])
    },
    { auto: true },
  ],
})

export async function axe(page: Page, where: string, be: (got: unknown) => { toEqual(want: unknown): void } = expect) {
  // Without its own copies of the style sheets, for which it writes into the page what the page policy refuses; no rule in force needs them.
  const found = await new AxeBuilder({ page }).options({ preload: false }).analyze()
  be(found.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical').map((v) => `${where}: ${v.id} ${v.nodes[0]?.target}`)).toEqual([])
}

/** What docs/img shows (make screenshots); a whole run (make e2e-full) keeps every picture among its results. */
const kept = [
  ...['desk', 'queue', 'figures', 'resident-report', 'resident-receipt', 'resident-track', 'field-tasks', 'field-case', 'field-call', 'field-called', 'field-checkin', 'field-result'],
  ...['resident-map-zh', 'resident-rate-zh', 'resident-report-en', 'resident-map-en', 'resident-track-en', 'resident-rate-en'],
  ...['resident-report-zh-large-small', 'resident-step3-zh-large-small', 'resident-track-zh-large-small', 'field-ringing-zh', 'field-answer-zh', 'field-tasks-en'],
]
export const wanted = (name: string) => !!process.env.E2E_FULL || (!!process.env.SCREENSHOTS && kept.includes(name))

export async function shot(page: Page, name: string, fullPage = false) {
  if (!wanted(name)) return
  // Through the object model, and with the caret: a style of Playwright's own would be refused by the page policy, and that is looked for.
  const toasts = (visibility: string) => page.evaluate((v) => document.querySelectorAll<HTMLElement>('.toasts').forEach((x) => (x.style.visibility = v)), visibility)
  await toasts('hidden')
  await page.screenshot({ path: `${process.env.SCREENSHOTS ?? 'test-results'}/${name}.png`, fullPage, animations: 'disabled', caret: 'initial' })
  await toasts('')
}

export async function person(browser: Browser, path: string, username: string, size = phoneSize) {
  const context = await browser.newContext({ viewport: size, geolocation: place, permissions: ['geolocation'] })
  const page = await context.newPage()
  await page.goto(path)
  await page.getByLabel('用户名').fill(username)
  await page.getByLabel('密码', { exact: true }).fill(`sandbox-${username}`)
  await page.getByRole('button', { name: '登录', exact: true }).click()
  return page
}

export async function clock(page: Page, time: string) {
  expect((await page.request.post(`${api}/sandbox/clock`, { data: { set: `${day}T${time}:00+08:00` } })).ok()).toBe(true)
}

/** The one-time code that was sent last to a number. */
export async function lastCode(page: Page, phone: string) {
  const answer = await page.request.get(`${api}/sandbox/messages?to=${phone}`)
  const { items } = (await answer.json()) as { items: { event: string; text: string }[] }
  return /\d{6}/.exec(items.filter((m) => m.event === 'otp').at(-1)!.text)![0]
}

/** What makes the page scroll sideways: the words of what reaches beyond its right edge. */
export function stickingOut(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const root = document.documentElement
    if (root.scrollWidth <= root.clientWidth) return []
    const wide = [...document.querySelectorAll('main *, header *, footer *, nav *')].filter((e) => !e.closest('.leaflet-pane') && e.getBoundingClientRect().right > root.clientWidth + 1)
    return [`${root.scrollWidth} of ${root.clientWidth} px`, ...wide.slice(0, 5).map((e) => `${e.tagName}.${e.getAttribute('class') ?? ''} ${(e.textContent ?? '').trim().slice(0, 30)}`)]
  })
}

/** Nothing sticks out: no sideways scrolling. */
export async function straight(page: Page) {
  expect(await stickingOut(page)).toEqual([])
}

/** Somebody's phone; `taps` counts what the finger does, the system's camera and keyboard apart. */
export async function phone(browser: Browser, options: Parameters<Browser['newContext']>[0] = {}) {
  const context = await browser.newContext({ viewport: phoneSize, geolocation: place, permissions: ['geolocation'], ...options })
  const page = await context.newPage()
  let taps = 0
  const tap = async (what: Locator) => {
    taps++
    await what.click()
  }
  const take = async (file: string | { name: string; mimeType: string; buffer: Buffer } = photo) => {
    taps++
    await page.locator('input[type=file]').first().setInputFiles(file)
  }
  return { context, page, tap, take, taps: () => taps, anew: () => (taps = 0) }
}

export async function confirmPhone(page: Page, number: string, tap: (what: Locator) => Promise<void>, where: Page | Locator = page) {
  await tap(where.getByLabel('手机号'))
  await page.keyboard.type(number)
  await tap(where.getByRole('button', { name: '获取验证码' }))
  await expect(where.getByRole('button', { name: /秒后可重发/ })).toBeVisible()
  await expect(where.getByLabel('验证码', { exact: true })).toBeFocused()
  await page.keyboard.type(await lastCode(page, number))
}

/** A token of somebody for calls without a page. */
export async function token(request: APIRequestContext, username: string) {
  const answer = await request.post(`${api}/auth/login`, { data: { username, password: `sandbox-${username}` } })
  return ((await answer.json()) as { token: string }).token
}

/** A broken road in 南街 that the hotline took down; answers the case's id. */
export async function reported(request: APIRequestContext, fields: Record<string, unknown> = {}) {
  const made = await request.post(`${api}/reports`, {
    headers: { Authorization: `Bearer ${await token(request, 'hot1')}` },
    data: { text: '路面有个大坑，晚上看不见', matter: '06013', address: '津泰路 12 号旁', point: { lon: place.longitude, lat: place.latitude, datum: 'WGS84' }, on_behalf: true, phone: '13900000004', ...fields },
  })
  expect(made.status()).toBe(201)
  return ((await made.json()) as { case_id: string }).case_id
}

/** What the draft on the device says, as text. */
export function draftOf(page: Page): Promise<string> {
  return page.evaluate(
    () =>
      new Promise<string>((done) => {
        const open = indexedDB.open('yixian')
        open.onsuccess = () => {
          const get = open.result.transaction('drafts').objectStore('drafts').get('report')
          get.onsuccess = () => {
            open.result.close()
            done(JSON.stringify(get.result ?? {}) + String((get.result as { photos?: { mediaId?: string }[] } | undefined)?.photos?.[0]?.mediaId !== undefined))
          }
        }
      }),
  )
}
