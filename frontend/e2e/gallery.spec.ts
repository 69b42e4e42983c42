// Every screen of the two phone apps, in both languages, large, by night and on the smallest phone: looked at by axe, by
// a ruler for what sticks out, and by people as pictures (make screenshots).
import { expect, type Browser, type Page } from '@playwright/test'
import { api, axe, place, reported, shot, stickingOut, test, wanted } from './kit'
import { called, knownPhone, reportOf, set, settled, staff } from './scene'

test.skip(!process.env.E2E_FULL && !process.env.SCREENSHOTS, 'longer than the share of every run: make e2e-full')
test.describe.configure({ timeout: 1_800_000 }) // some eighty screens each

const big = { width: 390, height: 844 }
const small = { width: 320, height: 640 }
type Look = { name: string; lang: 'zh' | 'en'; text: 'normal' | 'large'; dark?: boolean; size: typeof big }
const looks: Look[] = [
  { name: 'zh', lang: 'zh', text: 'normal', size: big },
  { name: 'en-small', lang: 'en', text: 'normal', size: small },
  { name: 'zh-large-dark', lang: 'zh', text: 'large', dark: true, size: big },
  { name: 'en-large-small', lang: 'en', text: 'large', size: small },
  // For pictures only: the others show all that can go wrong in these.
  ...(process.env.E2E_FULL ? [] : [{ name: 'en', lang: 'en', text: 'normal', size: big } as const, { name: 'zh-large-small', lang: 'zh', text: 'large', size: small } as const]),
]

/** A phone with somebody's choices already made. */
async function look(browser: Browser, l: Look, permissions = ['geolocation']) {
  const context = await browser.newContext({ viewport: l.size, geolocation: place, permissions, colorScheme: l.dark ? 'dark' : 'light' })
  await context.addInitScript(([lang, text]) => {
    if (!location.protocol.startsWith('http')) return // the empty page before the first
    localStorage.setItem('yixian.locale', lang!)
    localStorage.setItem('yixian.text', text!)
  }, [l.lang, l.text])
  return context
}

/** One screen: what must be there, then the three who look. */
async function see(page: Page, l: Look, name: string, path: string, ready: string, before?: () => Promise<unknown>) {
  if (!wanted(`${name}-${l.name}`)) return
  await page.goto(path)
  await expect(page.locator(ready).first()).toBeVisible()
  await before?.()
  await page.evaluate(() => document.fonts.ready)
  await expect(page.locator('.page:not(.kit) [role=status] > .card[aria-hidden]')).toHaveCount(0) // nothing still loads
  // What is wrong on one screen hides nothing of the next.
  await axe(page, `${name} ${l.name}`, expect.soft)
  expect.soft(await stickingOut(page), `${name} ${l.name} sticks out`).toEqual([])
  await shot(page, `${name}-${l.name}`, !!process.env.E2E_FULL)
}

/** Things as they stand at half past nine: one settled, one called, one new. */
async function morning(browser: Browser) {
  const context = await browser.newContext()
  const { request } = context
  expect((await request.post(`${api}/sandbox/reset`, { data: { fixture: 'demo' } })).ok()).toBe(true)
  const people = staff(browser)
  await knownPhone(context, '13900000001')
  const done = await reportOf(context)
  await called(people, done.case_id)
  await set(request, '09:20')
  await settled(people, done.case_id)
  const calling = await reported((await browser.newContext()).request, { text: '路面塌陷，有车轮陷进去' })
  await called(people, calling)
  const arrived = await reported((await browser.newContext()).request, { text: '人行道塌陷', address: '津泰路 21 号门前' })
  await called(people, arrived)
  await people.act('js1', arrived, 'ack', { eta_minutes: 5 })
  await people.act('js1', arrived, 'check_in', { point: { lon: place.longitude, lat: place.latitude, datum: 'WGS84', accuracy_m: 12 } })
  const fresh = await reported((await browser.newContext()).request, { text: '井盖旁路面开裂', address: '津泰路 30 号门前' })
  const running = await reportOf(context, { text: '人行道地砖松动', address: '八一七北路 6 号' })
  await set(request, '09:26')
  return { done, calling, arrived, fresh, running }
}

test('every screen of the resident', async ({ browser }) => {
  const { done, running } = await morning(browser)
  for (const l of looks) {
    const context = await look(browser, l)
    const page = await context.newPage()
    const s = (name: string, path: string, ready: string, before?: () => Promise<unknown>) => see(page, l, `resident-${name}`, path, ready, before)
    await s('report', '/', 'main h1')
    if (l.text === 'normal')
      await s('errors', '/', 'main h1', async () => {
        await page.locator('#submit').click()
        await expect(page.getByRole('alert').first()).toBeVisible()
      })
    else
      for (const n of [2, 3, 4])
        await s(`step${n}`, '/', 'main h1', async () => {
          for (let i = 1; i < n; i++) await page.locator('.submit .btn-primary').click()
        })
    await s('map', '/', 'main h1', async () => {
      if (l.text === 'large') await page.locator('.submit .btn-primary').click()
      await page.locator('#place').click()
      await expect(page.getByRole('dialog').locator('.leaflet-container, canvas').first()).toBeVisible()
    })
    await s('find', '/c', 'main h1')
    await s('track', `/c/${done.track_token}`, 'main h1')
    await s('progress', `/c/${running.track_token}`, 'main h1')
    await s('rate', `/r/${done.track_token}`, 'main h1')
    await s('unhappy', `/r/${done.track_token}`, 'main h1', () => page.getByRole('group').getByRole('button').last().click())
    await s('unknown', '/c/AAAAAAAAAAAAAAAAAAAAAA', 'main h1, main h2')
    await s('sign-in', '/me', 'main h1')
    await knownPhone(context, '13900000001')
    await s('mine', '/me', 'main li')
    await s('seen', '/me/seen', 'main h1')
    await s('points', '/me/points', 'main h1')
    await s('missing', '/nowhere', 'main h1')
    for (const [name, path] of [['lite', '/lite/'], ['lite-find', '/lite/c/'], ['lite-track', `/lite/c/${done.track_token}`]] as const)
      await s(name, `${path}?lang=${l.lang}&text=${l.text}`, 'main h1')
    await s('kit', '/kit', 'main h1')
    await context.close()
  }
})

test('every screen of the field', async ({ browser }) => {
  const { calling, arrived, fresh } = await morning(browser)
  for (const l of looks) {
    const context = await look(browser, l)
    const page = await context.newPage()
    const s = (name: string, path: string, ready: string, before?: () => Promise<unknown>) => see(page, l, `field-${name}`, path, ready, before)
    await s('sign-in', '/w/sign-in', 'main h1')
    const enter = async (username: string) => expect((await context.request.post(`${api}/auth/login`, { data: { username, password: `sandbox-${username}` } })).ok()).toBe(true)
    await enter('duty-s-350102005')
    await s('tasks', '/w/', 'main li')
    await s('case', `/w/case/${fresh}`, 'main h1')
    await s('called', `/w/case/${calling}/call`, 'main h2')
    await s('map', '/w/map', 'canvas')
    await s('inbox', '/w/inbox', 'main h1')
    await s('mine', '/w/me', 'main h1')
    await s('new', '/w/new', 'main h1')
    await enter('js1')
    await s('answer', `/w/case/${calling}?do=ack`, 'dialog[open] h2, [role=dialog] h2')
    await s('arrived', `/w/case/${arrived}`, 'main h1')
    for (const action of ['resolve', 'dispute']) await s(action, `/w/case/${arrived}?do=${action}`, 'dialog[open] h2, [role=dialog] h2')
    await s('ringing', '/w/', '[role=alert]')
    await enter('gw1')
    await s('nothing', '/w/', 'main h1')
    await context.close()
  }
})
