// What goes wrong with phones: the server refuses or sheds, the position is missing or rough, the clock is wrong, the
// session ends while there is no network, two tabs, old links. Nothing typed is lost and every page says what to do.
// Single answers of the server are put in by the browser; everything else is the running program. Each ends with axe.
import { expect, type Page } from '@playwright/test'
import { api, axe, confirmPhone, draftOf, person, phone, reported, shot, straight, test } from './kit'
import { called, knownPhone, reportOf, set, settled, staff } from './scene'

const full = () => test.skip(!process.env.E2E_FULL, 'longer than the share of every run: make e2e-full')
const reset = async (page: Page) => expect((await page.request.post(`${api}/sandbox/reset`, { data: { fixture: 'demo' } })).ok()).toBe(true)
const heic = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypheic'), Buffer.alloc(64)])

/** The next answer to an upload is this one. */
async function nextUpload(page: Page, status: number, code: string, detail: string, headers: Record<string, string> = {}) {
  await page.route('**/api/v1/media', (route) => route.fulfill({ status, headers, contentType: 'application/problem+json', body: JSON.stringify({ status, code, detail }) }), { times: 1 })
}

async function see(page: Page, name: string) {
  await axe(page, name)
  await straight(page)
  await shot(page, `trouble-${name}`)
}

test('no position, an unreadable photo, a server that sheds', async ({ browser }) => {
  const me = await phone(browser, { permissions: [], geolocation: undefined })
  const { page } = me
  await reset(page)
  await nextUpload(page, 503, 'BUSY', '同时上传的照片太多，请稍后重试', { 'Retry-After': '1' })
  await page.goto('/')
  // The camera's own format that this browser cannot read: said so, and the way out; words do as well.
  await me.take({ name: 'IMG_1.HEIC', mimeType: 'image/heic', buffer: heic })
  await expect(page.getByText(/HEIC 格式/)).toBeVisible()
  await page.getByRole('button', { name: '提交' }).click()
  await expect(page.getByRole('alert').getByText('有照片不能识别，请删除后再提交')).toBeVisible()
  await see(page, 'heic')
  await page.getByRole('button', { name: '删除第 1 张照片' }).click()
  // A photo without a place, and a phone that does not tell its own: the map, by keyboard.
  await me.take({ name: 'p.png', mimeType: 'image/png', buffer: await plain(page) })
  await expect(page.getByAltText('第 1 张照片')).toBeVisible()
  await expect(page.getByText('没能自动定位，请在地图上选一下')).toBeVisible()
  await page.getByRole('button', { name: '在地图上选' }).click()
  const sheet = page.getByRole('dialog')
  await expect(sheet.getByText('鼓东街道')).toBeAttached() // the map has come
  await sheet.getByRole('application').press('ArrowUp')
  await expect(sheet.getByText(/街道/).first()).toBeVisible()
  await sheet.getByRole('button', { name: '就是这里' }).click()
  await expect(page.getByText('您在地图上选的位置')).toBeVisible()
  // The shed upload was sent again by itself.
  await confirmPhone(page, '13900000001', me.tap)
  await page.getByRole('button', { name: '提交' }).click()
  await expect(page.getByRole('heading', { name: '已收到，马上办' })).toBeVisible()
  await see(page, 'received')
})

test('the server refuses a photo, or asks to wait; twenty photos; a rough position', async ({ browser }) => {
  full()
  const me = await phone(browser, { geolocation: { latitude: 26.0858, longitude: 119.2927, accuracy: 3000 } })
  const { page } = me
  await reset(page)
  await page.goto('/')
  const small = { name: 'p.png', mimeType: 'image/png', buffer: await plain(page) }
  for (const [status, code, words] of [[413, 'TOO_LARGE', '照片太大'], [415, 'UNSUPPORTED', '不支持的格式'], [422, 'INVALID', '照片已损坏']] as const) {
    await nextUpload(page, status, code, words)
    await me.take(small)
    await expect(page.getByText(words)).toBeVisible() // in its own tile, for good
    await page.getByRole('button', { name: '提交' }).click()
    await expect(page.getByRole('alert').getByText('有照片不能识别，请删除后再提交')).toBeVisible()
    if (status === 413) await see(page, 'photo-refused')
    await page.getByRole('button', { name: '删除第 1 张照片' }).click()
  }
  for (const status of [429, 503]) {
    await nextUpload(page, status, 'BUSY', '请稍后重试', { 'Retry-After': '1' })
    const sent = page.waitForResponse((r) => r.url().endsWith('/media') && r.status() === 201)
    await me.take(small)
    await sent // by itself
    await page.getByRole('button', { name: '删除第 1 张照片' }).click()
  }
  await page.locator('input[type=file]').first().setInputFiles(Array.from({ length: 20 }, (_, i) => ({ ...small, name: `${i}.png` })))
  await expect(page.getByText('最多 6 张，多选的 14 张没有加上')).toBeVisible()
  await expect(page.getByAltText('第 6 张照片')).toBeVisible()
  await see(page, 'twenty-photos')

  // Three kilometres are no place: said, not sent, and confirmed on the map.
  await expect(page.getByText(/定位误差约 3/)).toBeVisible()
  await page.getByRole('button', { name: '提交' }).click()
  await expect(page.getByRole('alert').getByText('定位不够准，请在地图上确认位置')).toBeVisible()
  await see(page, 'rough')
  await page.getByRole('button', { name: '改一下' }).click()
  await page.getByRole('dialog').getByRole('button', { name: '就是这里' }).click()
  await expect(page.getByText('您在地图上选的位置')).toBeVisible()
  await expect(page.getByText(/定位误差约/)).toHaveCount(0)
  await page.getByRole('button', { name: '提交' }).click()
  await expect(page.getByRole('alert').getByText('定位不够准，请在地图上确认位置')).toHaveCount(0)
})

test('links that are old, unknown, looked at by a scanner, or used twice', async ({ browser }) => {
  full()
  const { page, context } = await phone(browser)
  await reset(page)
  await knownPhone(context, '13900000001')
  const done = await reportOf(context)
  const late = await reportOf(context, { text: '人行道地砖松动', address: '八一七北路 6 号' })
  const people = staff(browser)
  for (const { case_id } of [done, late]) await called(people, case_id)
  await set(page.request, '09:20')
  for (const { case_id } of [done, late]) await settled(people, case_id)

  const stranger = await phone(browser)
  await stranger.page.goto('/c/AAAAAAAAAAAAAAAAAAAAAA')
  await expect(stranger.page.getByText('链接已失效')).toBeVisible()
  await see(stranger.page, 'unknown')
  await stranger.page.goto('/r/AAAAAAAAAAAAAAAAAAAAAA')
  await expect(stranger.page.getByText('链接已失效')).toBeVisible()
  await see(stranger.page, 'unknown-rating')

  // A scanner of messages opens the link: nothing is rated by that.
  for (const path of [`/r/${done.track_token}`, `/lite/c/${done.track_token}`]) expect((await stranger.page.request.get(path)).ok()).toBe(true)
  // Two pages of one link: the second is told that it has been done.
  const other = await context.newPage()
  for (const p of [page, other]) {
    await p.goto(`/r/${done.track_token}`)
    await expect(p.getByRole('heading', { name: '这件事办得怎么样？' })).toBeVisible()
  }
  await page.getByRole('group').getByRole('button').first().click()
  await page.getByRole('button', { name: '立即提交' }).click()
  await expect(page.getByText('谢谢您的评价')).toBeVisible()
  await other.getByRole('group').getByRole('button').first().click()
  await other.getByRole('button', { name: '立即提交' }).click()
  await expect(other.locator('.notice-red')).toBeVisible()
  await see(other, 'rated-twice')
  await other.reload()
  await expect(other.getByText('这件事您已经评价过了')).toBeVisible()
  // Long after: the time to rate is over, the progress is still there.
  expect((await page.request.post(`${api}/sandbox/clock`, { data: { advance: '960h' } })).ok()).toBe(true)
  await page.goto(`/r/${late.track_token}`)
  await expect(page.getByText('链接已失效')).toBeVisible()
  await see(page, 'rating-over')
  await page.getByRole('link', { name: '查看进度' }).click()
  await expect(page.getByText('办理过程').first()).toBeVisible()
})

test('a camera that is refused', async ({ browser }) => {
  full()
  const start = await phone(browser)
  await reset(start.page)
  const people = staff(browser)
  const id = await reported((await browser.newContext()).request)
  await called(people, id)
  await people.act('js1', id, 'ack', { eta_minutes: 5 })
  // A phone that could read the code, whose owner said no to the camera: the characters below it are typed.
  const dept = await person(browser, '/w/', 'js1')
  await dept.addInitScript(() => {
    Object.assign(window, { BarcodeDetector: class {} })
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('denied', 'NotAllowedError'))
  })
  await dept.goto(`/w/case/${id}?do=check_in`)
  const sheet = dept.getByRole('dialog')
  await sheet.getByRole('button', { name: '扫街道二维码' }).click()
  await sheet.getByRole('button', { name: '打开相机扫码' }).click()
  await expect(sheet.getByText('没能打开相机，请手动输入二维码下方的字符')).toBeVisible()
  await see(dept, 'no-camera')
  const { call } = (await people.get('duty-s-350102005', `/cases/${id}`)) as { call: { id: string } }
  const { qr } = (await people.get('duty-s-350102005', `/calls/${call.id}/qr`)) as { qr: string }
  await sheet.getByLabel('二维码字符').fill(qr)
  await sheet.getByRole('button', { name: '到场签到' }).click()
  await expect(dept.getByText(/已完成：到场/)).toBeVisible()

  // A resident without a camera: words and a place are a report.
  await knownPhone(start.context, '13900000003')
  await start.page.goto('/')
  await start.page.getByRole('button', { name: '提交' }).click()
  await expect(start.page.getByRole('alert').getByText('请拍一张照片，或写至少 5 个字')).toBeVisible()
  await start.page.getByLabel('说说情况').fill('垃圾桶满了，没有人收')
  await start.page.getByRole('button', { name: '提交' }).click()
  await expect(start.page.getByRole('heading', { name: '已收到，马上办' })).toBeVisible()
})

test('an officer whose session ends in a day without a network signs in and the work is sent', async ({ browser }) => {
  full()
  const street = await person(browser, '/w/', 'hot1')
  await reset(street)
  await street.context().clearCookies()
  const id = await reported(street.request)
  await street.context().clearCookies()
  const officer = await person(browser, '/w/', 'duty-s-350102005')
  await officer.getByText('道路破损').first().click()
  await expect(officer).toHaveURL(new RegExp(`/w/case/${id}`))
  await officer.context().setOffline(true)
  await officer.getByRole('button', { name: '签收' }).click()
  await expect(officer.getByRole('link', { name: /1 条待传/ })).toBeVisible()
  // A day later: the server's clock has moved on, and the session is over.
  expect((await street.request.post(`${api}/sandbox/clock`, { data: { advance: '24h' } })).ok()).toBe(true)
  await officer.context().clearCookies()
  await officer.context().setOffline(false)
  await officer.evaluate(() => dispatchEvent(new Event('online')))
  await expect(officer.getByRole('heading', { name: '登录' })).toBeVisible()
  await see(officer, 'session-over')
  await officer.getByLabel('密码', { exact: true }).fill('sandbox-duty-s-350102005')
  await officer.getByRole('button', { name: '登录', exact: true }).click()
  await expect(officer.getByRole('link', { name: '已同步' })).toBeVisible()
  const events = (await (await officer.request.get(`${api}/cases/${id}/events`)).json()) as { items: { action: string }[] }
  expect(events.items.filter((e) => e.action === 'sign')).toHaveLength(1)
})

test('one draft in two tabs, a session that ends without a network, a clock that is a day ahead', async ({ browser }) => {
  full()
  const { page, context, take } = await phone(browser)
  await reset(page)
  const { now } = (await (await page.request.post(`${api}/sandbox/clock`, { data: { advance: '0s' } })).json()) as { now: string }
  await context.addInitScript((ahead) => {
    const real = Date
    window.Date = class extends real {
      constructor(...args: [number]) {
        super(...(args.length > 0 ? args : ([real.now() + ahead] as [number])))
      }
      static override now() {
        return real.now() + ahead
      }
    } as DateConstructor
  }, Date.parse(now) + 86_400_000 - Date.now())
  const sent: { key?: string; occurred_at: string }[] = []
  context.on('request', (r) => r.method() === 'POST' && r.url().endsWith('/reports') && sent.push({ key: r.headers()['idempotency-key'], ...(r.postDataJSON() as { occurred_at: string }) }))
  await knownPhone(context, '13900000001')
  await page.goto('/')
  await take()
  await expect(page.getByText(/南街街道/).first()).toBeVisible()
  await page.getByLabel('说说情况').fill('路面有个大坑，晚上看不见')
  await expect.poll(() => draftOf(page)).toMatch(/大坑.*true$/) // kept a moment after the last key, its photo uploaded
  const tab = await context.newPage()
  await tab.goto('/')
  await expect(tab.getByText('已恢复上次没有提交的内容')).toBeVisible()

  // Sent without a network, by a session that is over when the network returns.
  await context.setOffline(true)
  await page.getByRole('button', { name: '提交' }).click()
  await expect(page.getByRole('heading', { name: '已保存，联网后自动提交' })).toBeVisible()
  await see(page, 'kept')
  await context.clearCookies()
  await context.setOffline(false)
  await Promise.all([page, tab].map((p) => p.evaluate(() => dispatchEvent(new Event('online')))))
  await expect(page.getByRole('heading', { name: '请再验证一次手机号' })).toBeVisible() // tried by itself
  await see(page, 'again')
  await confirmPhone(page, '13900000001', (what) => what.click())
  await page.getByRole('button', { name: '提交' }).click()
  await expect(page.getByRole('heading', { name: '已收到，马上办' })).toBeVisible()
  // The other tab shows the receipt as well, and does not send it a second time.
  await expect(tab.getByRole('heading', { name: '已收到，马上办' })).toBeVisible()
  await see(tab, 'sent-elsewhere')
  const mine = async () => ((await (await page.request.get(`${api}/reports`)).json()) as { items: unknown[] }).items
  expect(await mine()).toHaveLength(1)
  expect(new Set(sent.map((s) => s.key)).size).toBe(1)
  // A day ahead, but what was sent is the server's time.
  for (const s of sent) expect(Date.parse(s.occurred_at)).toBeLessThan(Date.parse(now) + 600_000)

  // Two drafts in two tabs: what is sent in one does not take away what is written in the other.
  for (const p of [page, tab]) await p.goto('/')
  await tab.getByLabel('说说情况').fill('路灯坏了两盏，晚上很黑')
  await expect.poll(() => draftOf(tab)).toContain('路灯坏了')
  await page.getByLabel('说说情况').fill('垃圾桶满了，没有人收')
  await expect.poll(() => draftOf(tab)).toContain('垃圾桶')
  await page.getByRole('button', { name: '提交' }).click()
  await expect(page.getByRole('heading', { name: '已收到，马上办' })).toBeVisible()
  await expect.poll(() => draftOf(tab)).toContain('路灯坏了')
  await tab.reload()
  await expect(tab.getByText('已恢复上次没有提交的内容')).toBeVisible()
  await expect(tab.getByLabel('说说情况')).toHaveValue('路灯坏了两盏，晚上很黑')
  expect(await mine()).toHaveLength(2)
})

/** A picture that does not know where it was taken. */
async function plain(page: Page): Promise<Buffer> {
  const bytes = await page.evaluate(async () => {
    const canvas = document.createElement('canvas')
    canvas.width = canvas.height = 320
    canvas.getContext('2d')!.fillRect(0, 0, 200, 200)
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/png'))
    return [...new Uint8Array(await blob!.arrayBuffer())]
  })
  return Buffer.from(bytes)
}
