// Every screen of the desk, in both languages, and the wall by night as it hangs: looked at by axe, by a ruler for what
// sticks out, by the content policy, and by people as pictures. ONLY=name,name takes some of them; with SCREENSHOTS=directory axe is left out.
import { expect, type Browser, type BrowserContext, type Page } from '@playwright/test'
import { api, axe, deskSize, place, reported, shot, stickingOut, test } from './kit'
import { called, knownPhone, reportOf, set, settled, staff } from './scene'

test.skip(!process.env.E2E_FULL, 'longer than the share of every run: make e2e-full')
test.describe.configure({ timeout: 3_600_000, mode: 'serial' }) // some ninety screens each

type Look = { name: string; lang: 'zh' | 'en'; dark?: boolean; size: typeof deskSize }
const looks: Look[] = [
  { name: 'zh', lang: 'zh', size: deskSize },
  { name: 'en-dark', lang: 'en', dark: true, size: deskSize },
]
const full = { width: 1920, height: 1080 }
type Step = [name: string, path: string, ready: string, before?: (page: Page) => Promise<unknown>]

/** The language is chosen before a page begins; the empty page that a window opens with has no storage. */
const speak = (context: BrowserContext, l: Look) => context.addInitScript((lang) => location.origin !== 'null' && localStorage.setItem('yixian.locale', lang), l.lang)

/** Somebody at a desk with choices already made. */
async function sit(browser: Browser, l: Look, username: string): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: l.size, colorScheme: l.dark ? 'dark' : 'light' })
  await speak(context, l)
  expect((await context.request.post(`${api}/auth/login`, { data: { username, password: `sandbox-${username}` } })).ok()).toBe(true)
  return context
}

/** One screen: what must be there, then the four who look. What is wrong on one hides nothing of the next. */
async function see(page: Page, l: Look, [name, path, ready, before]: Step) {
  const where = `desk-${name}-${l.name}`
  await page.goto(path)
  await expect.soft(page.locator(ready).first(), where).toBeVisible()
  if (before) expect.soft(await before(page).then(() => '', String), where).toBe('')
  await page.evaluate(() => document.fonts.ready)
  await expect.soft(page.locator('[role=status] > .card[aria-hidden]'), `${where} has loaded`).toHaveCount(0)
  if (!process.env.SCREENSHOTS) await axe(page, where, expect.soft)
  expect.soft(await stickingOut(page), `${where} sticks out`).toEqual([])
  await shot(page, where)
}

async function round(browser: Browser, l: Look, username: string, steps: Step[]) {
  const context = await sit(browser, l, username)
  const page = await context.newPage()
  for (const step of steps) if (!process.env.ONLY || process.env.ONLY.split(',').includes(step[0])) await see(page, l, step)
  await context.close()
}

const open = (name: RegExp) => (page: Page) => page.getByRole('button', { name }).first().click({ timeout: 15_000 })
const paper = (page: Page) => page.emulateMedia({ media: 'print' })

/** The district at half past nine: one case settled, one called, one running, one new; two notices, a visit, a drill and a card. */
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
  const guest = async () => (await browser.newContext()).request
  const calling = await reported(await guest(), { text: '路面塌陷，有车轮陷进去' })
  await called(people, calling)
  const fresh = await reported(await guest(), { text: '井盖旁路面开裂', address: '津泰路 30 号门前' })
  const signed = await reported(await guest(), { text: '人行道地砖松动，老人绊倒', address: '津泰路 34 号' })
  await people.act('duty-s-350102005', signed, 'sign')
  await people.act('duty-s-350102005', signed, 'contact', { method: 'PHONE' })
  await people.post('dis1', '/notices', { title: '八一七北路夜间施工公告', text: '6 月 8 日 22 时至次日 5 时封闭一条车道，请绕行津泰路。', matter: '06013', areas: [] })
  await people.post('duty-s-350102005', '/visits', { name: '陈依姆', phone: '13900000003', address: '津泰路 30 号 201', point: { lon: place.longitude, lat: place.latitude, datum: 'WGS84' }, every_days: 7 })
  await people.post('sup1', '/cards', { unit: 'D-JS', kind: 'PRIVACY_BREACH', reason: '在工作群转发报案人电话' })
  await people.post('so1', '/export_requests', { from: '2026-05-01', to: '2026-06-01', reason: '街道月度分析会' })
  await people.post('sup1', '/exclusions', { case_id: done.case_id, reason: 'EX1', scope: 'TIMELINESS', text: '台风红色预警期间，道路封闭' })
  await set(request, '09:26')
  await people.post('com1', '/incidents', { name: '防汛', drill: true, streets: ['350102004'] })
  return { done: done.case_id, calling, fresh, signed }
}

for (const l of looks)
  test(`every screen of the desk, ${l.name}`, async ({ browser }) => {
    const { done, calling, fresh, signed } = await morning(browser)
    await round(browser, l, 'dis1', [
      ['queue', '/desk/queue', 'main a[href*="/cases/"]'],
      ...['accept', 'dispatch', 'sign', 'handle', 'call', 'dispute', 'overdue', 'check', 'callback', 'held'].map((tab): Step => [`queue-${tab}`, `/desk/queue?tab=${tab}`, 'main h2, main a[href*="/cases/"]']),
      ['queue-bulk', '/desk/queue', 'main a[href*="/cases/"]', open(/^(选择|Select)$/)],
      ['case-new', `/desk/cases/${fresh}`, '.case h2'],
      ['case-called', `/desk/cases/${calling}`, '.case h2'],
      ['case-done', `/desk/cases/${done}`, '.case h2', (page) => page.locator('.right').evaluate((e) => e.scrollTo(0, 900))],
      ['case-photos', `/desk/cases/${done}`, '.case h2', async (page) => { await page.getByText(/^(对外公开的照片|Photos for everybody)$/).click({ timeout: 15_000 }); await expect(page.locator('.public li img').first()).toBeVisible() }],
      ['cover', `/desk/cases/${done}`, '.case h2', async (page) => { await page.getByText(/^(对外公开的照片|Photos for everybody)$/).click({ timeout: 15_000 }); await page.locator('.public li button').first().click(); await page.locator('#cover-add').click() }],
      ['case-why', `/desk/cases/${fresh}`, '.case h2', (page) => page.getByText(/为什么派给这个单位|Why this unit/).first().click({ timeout: 15_000 })],
      ['keys', '/desk/queue', 'main a[href*="/cases/"]', (page) => page.keyboard.press('?')],
      ['ledger', '/desk/ledger', 'main tbody tr'],
      ['exports', '/desk/exports', 'main form'],
      ['calls', '/desk/calls', 'main article, main li, main h2'],
      ['inbox', '/desk/inbox', 'main'],
      ['notices', '/desk/notices', 'main li h2'],
      ['notice-new', '/desk/notices', 'main li h2', open(/^(发布通告|Publish a notice)$/)],
      ['visits-centre', '/desk/visits', 'main tbody tr'],
      ['missing', '/desk/nowhere', 'main h2'],
      ['case-missing', '/desk/cases/01a00000-0000-7000-8000-000000000000', 'main h2'],
    ])
    await round(browser, l, 'duty-s-350102005', [
      ['unit', '/desk/unit', 'main h2'],
      ['hand-over', '/desk/points', 'main form'],
      ['case-street', `/desk/cases/${fresh}`, '.case h2'],
      ['assign', `/desk/cases/${fresh}`, '.case h2', async (page) => { const more = page.getByRole('button', { name: /^(更多操作|More)/ }); if (await more.count()) await more.click(); await open(/^(指派经办人|Give to a person)$/)(page); await expect(page.getByRole('dialog').getByRole('radio').first()).toBeVisible() }],
      ['visit-new', '/desk/visits', 'main tbody tr', open(/^(加入走访名单|Put on the list)$/)],
      ['call-form', `/desk/cases/${signed}`, '.case h2', open(/^(一线呼叫|Call)/)],
    ])
    await round(browser, l, 'cgl', [['unit-leader', '/desk/unit', 'main h2']])
    await round(browser, l, 'duty-350102005005', [
      ['visits', '/desk/visits', 'main tbody tr'],
      ['visit-done', '/desk/visits', 'main tbody tr', open(/^(登记走访|Note a visit)/)],
    ])
    await round(browser, l, 'sup1', [
      ['cockpit', '/desk/cockpit', 'article .big'],
      ['behind', '/desk/behind?figure=received&from=2026-06-01&to=2026-06-09', 'main tbody tr'],
      ['metrics', '/desk/metrics', 'main tbody tr'],
      ['metrics-day', '/desk/metrics?by=day', 'main h2, main table, main svg'],
      ...['hotline', 'burden', 'delay', 'risk'].map((v): Step => [`figures-${v}`, `/desk/metrics/${v}`, 'main .views']),
      ['assessment', '/desk/assessment?period=2026-06', 'main tbody tr'],
      ['bulletin', '/desk/assessment/bulletin?period=2026-06', 'main .table'],
      ['metrics-compared', '/desk/metrics?than=before', 'main tbody tr'],
      ['sheet', '/desk/assessment/D-JS/2026-06', 'main h2'],
      ['sheet-behind', '/desk/assessment/D-JS/2026-06?indicator=on_time_checkin_rate', 'main h3'],
      ['exclusions', '/desk/exclusions', 'main li b'],
      ['reports', '/desk/reports', 'main h2'],
      ['incidents', '/desk/incidents', 'main'],
      ['incident', '/desk/incidents', 'main a[href*="/incidents/"]', async (page) => { await page.locator('main a[href*="/incidents/0"]').first().click(); await expect(page.getByText(/期间怎么办|What holds/).first()).toBeVisible() }],
      ['cards', '/desk/cards', 'main article'],
      ['systemic', '/desk/systemic', 'main h2, main table'],
    ])
    await round(browser, l, 'com1', [['declare', '/desk/incidents/new', 'main form']])
    await round(browser, l, 'aud1', [['exports-auditor', '/desk/exports', 'main form'], ['exclusions-auditor', '/desk/exclusions', 'main li b'], ['audit', '/desk/admin/audit', 'main ol li']])
    await round(browser, l, 'adm1', [
      ['admin', '/desk/admin', 'main .steps li'],
      ...['units', 'users', 'components', 'devices', 'place_codes'].map((n): Step => [`admin-${n}`, `/desk/admin/${n}`, 'main h2']),
      ['admin-unit', '/desk/admin/units?open=D-CG', 'dialog h2'],
      ['admin-user', '/desk/admin/users', 'main tbody tr', (page) => page.getByRole('link', { name: 'cg1', exact: true }).click({ timeout: 15_000 })],
      ['admin-import', '/desk/admin/units', 'main h2', open(/^(导入…|Import…)$/)],
      ['admin-rosters', '/desk/admin/rosters', 'main h2'],
      ['admin-roster', '/desk/admin/rosters/D-CG', 'main h2'],
      ['admin-calendars', '/desk/admin/calendars', 'main h2'],
      ['admin-grids', '/desk/admin/grids', 'main canvas, main .leaflet-container'],
      ['admin-catalog', '/desk/admin/catalog', 'main tbody tr'],
      ['admin-item', '/desk/admin/catalog?open=06013', 'dialog h2'],
      ['admin-coverage', '/desk/admin/catalog/coverage', 'main h2'],
      ['admin-code-map', '/desk/admin/catalog/code_map', 'main form'],
      ['admin-code-map-paste', '/desk/admin/catalog/code_map', 'main form', open(/^(从表格粘贴…|Paste a table…)$/)],
      ['admin-requests', '/desk/admin/requests', 'main h2'],
      ['admin-rules', '/desk/admin/rules', 'main h2'],
      ...['', 'try', 'check', 'diff', 'replay'].map((tab): Step => [`admin-rule-set-${tab || 'table'}`, `/desk/admin/rules/1${tab && `?tab=${tab}`}`, 'main h2']),
      ['admin-replayed', '/desk/admin/rules/1?tab=replay', 'main h2', open(/^(开始回放|Replay)/)],
      ['admin-precedents', '/desk/admin/precedents', 'main h2'],
      ['admin-risk', '/desk/admin/risk', 'main form'],
      ['admin-rewards', '/desk/admin/rewards', 'main h2'],
      ['admin-reward', '/desk/admin/rewards?open=new', 'dialog h2'],
      ['admin-messages', '/desk/admin/messages', 'main h2'],
      ...['matrix', 'settings', 'replies'].map((tab): Step => [`admin-messages-${tab}`, `/desk/admin/messages?tab=${tab}`, 'main h2']),
      ['admin-providers', '/desk/admin/providers', 'main h2'],
      ['admin-partners', '/desk/admin/partners', 'main h2'],
      ['admin-ops', '/desk/admin/ops', 'main h2'],
      ['admin-ops-below', '/desk/admin/ops', 'main h2', (page) => page.locator('main').evaluate((e) => e.scrollTo(0, 900))],
      ['admin-reports', '/desk/admin/reports', 'main h2'],
    ])
    await round(browser, l, 'dis1', [['paper-case', `/desk/cases/${done}`, '.case h2', paper]])
    await round(browser, l, 'sup1', [['paper-sheet', '/desk/assessment/D-JS/2026-06', 'main h2', paper], ['paper-bulletin', '/desk/assessment/bulletin?period=2026-06', 'main .table', paper]])
    // The wall as it hangs: a screen of its own size, always dark.
    await round(browser, { ...l, size: full }, 'sup1', [['wall', '/desk/wall', 'main .big'], ['cockpit-full', '/desk/cockpit', 'article .big']])
    const nobody = await browser.newContext({ viewport: l.size, colorScheme: l.dark ? 'dark' : 'light' })
    await speak(nobody, l)
    await see(await nobody.newPage(), l, ['sign-in', '/desk/sign-in', 'main h1'])
    await nobody.close()
  })
