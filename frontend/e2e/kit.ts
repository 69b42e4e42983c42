// What the journeys share: people who sign in, the practice clock, accessibility, pictures.
import { expect, type Browser, type Page } from '@playwright/test'
import { AxeBuilder } from '@axe-core/playwright'

export const api = '/api/v1'
export const phoneSize = { width: 390, height: 844 }
export const deskSize = { width: 1440, height: 900 }
export const place = { latitude: 26.0858, longitude: 119.2927, accuracy: 10 } // where the photo says it was taken
const day = '2026-06-08'

export async function axe(page: Page, where: string) {
  const found = await new AxeBuilder({ page }).analyze()
  expect(found.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical').map((v) => `${where}: ${v.id} ${v.nodes[0]?.target}`)).toEqual([])
}

// Pictures of every screen on the way, only where they are asked for.
export async function shot(page: Page, name: string, fullPage = false) {
  if (!process.env.SCREENSHOTS && !process.env.E2E_FULL) return
  await page.screenshot({ path: `${process.env.SCREENSHOTS ?? 'test-results'}/${name}.png`, fullPage, animations: 'disabled' })
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

/** Nothing sticks out: no sideways scrolling. */
export async function straight(page: Page) {
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0)
}
