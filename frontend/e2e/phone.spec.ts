// The phone in the hand of a resident and of a street officer: the taps are counted, the page is killed, the server
// sheds load, the network goes. Against the running program; every screen ends with axe.
import { expect } from '@playwright/test'
import { api, axe, confirmPhone, draftOf, person, phone, reported, shot, straight, test, token } from './kit'

test.skip(!process.env.E2E_FULL, 'longer than the share of every run: make e2e-full')

test('a phone reports in five taps, then in three; a neighbour joins with one', async ({ browser, request }) => {
  expect((await request.post(`${api}/sandbox/reset`, { data: { fixture: 'demo' } })).ok()).toBe(true)

  // First time: photo, matter, number, code, submit. The server sheds the first upload, the browser is killed on the way.
  const me = await phone(browser)
  const { page } = me
  let shed = 1
  await page.route('**/api/v1/media', (route) => (shed-- > 0 ? route.fulfill({ status: 503, headers: { 'Retry-After': '1' }, contentType: 'application/problem+json', body: '{"status":503,"code":"BUSY","detail":"同时上传的照片太多，请稍后重试"}' }) : route.continue()))
  await page.goto('/')
  await axe(page, 'report')
  await straight(page)
  await me.take()
  await expect(page.getByText(/南街街道/).first()).toBeVisible()
  await me.tap(page.getByRole('button', { name: '道路破损' }))
  await expect(page.getByRole('button', { name: '道路破损' })).toHaveAttribute('aria-pressed', 'true')
  await expect(page.getByRole('button', { name: '失败，点此重试' })).toHaveCount(0) // sent again by itself
  await expect.poll(() => draftOf(page)).toMatch(/道路破损.*true$/)
  await page.reload()
  await expect(page.getByText('已恢复上次没有提交的内容')).toBeVisible()
  await expect(page.getByAltText('第 1 张照片')).toBeVisible()
  await expect(page.getByRole('button', { name: '道路破损' })).toHaveAttribute('aria-pressed', 'true')
  await confirmPhone(page, '13900000001', me.tap)
  await me.tap(page.getByRole('button', { name: '提交' }))
  await expect(page.getByRole('heading', { name: '已收到，马上办' })).toBeVisible()
  expect(me.taps()).toBe(5)
  await expect(page.getByRole('img', { name: '查进度的二维码' })).toBeVisible()
  await axe(page, 'receipt')
  await shot(page, 'phone-receipt')
  const receipt = (await page.locator('#receipt-code').innerText()).replace(/\s/g, '')

  // The same phone again: photo, matter, submit. Another matter, so nobody has reported it.
  await page.goto('/')
  me.anew()
  await me.take()
  await expect(page.getByText(/南街街道/).first()).toBeVisible()
  await me.tap(page.getByRole('button', { name: '暴露垃圾' }))
  await me.tap(page.getByRole('button', { name: '提交' }))
  await expect(page.getByRole('heading', { name: '已收到，马上办' })).toBeVisible()
  expect(me.taps()).toBe(3)
  await page.getByRole('link', { name: '查看进度' }).click()
  await expect(page.getByText('办理过程').first()).toBeVisible()
  await axe(page, 'progress')
  await page.goto('/me')
  await expect(page.getByRole('link', { name: /道路破损/ })).toBeVisible()
  await page.getByRole('link', { name: '谁看过我的信息' }).click()
  await expect(page.getByText('没有人看过')).toBeVisible()
  await axe(page, 'who saw my data')

  // A neighbour on the smallest phone, in the elder view at night: one question a page, one tap joins.
  const other = await phone(browser, { viewport: { width: 320, height: 640 }, colorScheme: 'dark' })
  await other.page.goto('/?elder')
  await expect(other.page.getByText('第 1 步，共 4 步')).toBeVisible()
  await straight(other.page)
  await other.take()
  await other.page.getByRole('button', { name: '下一步' }).click()
  await expect(other.page.getByText(/南街街道/).first()).toBeVisible()
  await straight(other.page)
  await axe(other.page, 'elder, dark')
  await other.page.getByRole('button', { name: '下一步' }).click()
  await other.page.getByRole('button', { name: '道路破损' }).click()
  await expect(other.page.getByRole('heading', { name: '已有人上报' })).toBeVisible()
  await straight(other.page)
  await other.page.getByRole('button', { name: '我也遇到了' }).first().click()
  await confirmPhone(other.page, '13900000002', other.tap, other.page.getByRole('dialog'))
  await axe(other.page, 'join')
  await other.page.getByRole('button', { name: '关注这件' }).click()
  await expect(other.page.getByText('已关注，和您一起等结果')).toBeVisible()
  await straight(other.page)
  await expect(other.page.getByRole('link', { name: '打电话反映：12345' })).toBeVisible()
  for (const target of await other.page.locator('main button:visible, main a.btn:visible').all()) expect((await target.boundingBox())!.height).toBeGreaterThanOrEqual(60)
  await shot(other.page, 'phone-elder')

  // Whoever knows the receipt and the last four digits sees the progress; a wrong tail says nothing. Without scripts as well.
  const plain = await phone(browser, { javaScriptEnabled: false })
  await plain.page.goto('/lite/c/')
  await plain.page.getByLabel('查询码').fill(receipt)
  await plain.page.getByLabel('手机号后四位').fill('9999')
  await plain.page.getByRole('button', { name: '查询' }).click()
  await expect(plain.page.getByRole('alert')).toContainText('没有找到')
  await plain.page.getByLabel('手机号后四位').fill('0001')
  await plain.page.getByRole('button', { name: '查询' }).click()
  await expect(plain.page.getByText(receipt)).toBeVisible()
  await expect(plain.page.getByAltText('上报照片')).toBeVisible()
  const lite = await phone(browser, { viewport: { width: 320, height: 640 } })
  await lite.page.goto('/lite/')
  await axe(lite.page, 'lite')
  await straight(lite.page)
  await shot(lite.page, 'phone-lite', true)
})

test('an officer signs without a network; two tabs send it once', async ({ browser, request }) => {
  expect((await request.post(`${api}/sandbox/reset`, { data: { fixture: 'demo' } })).ok()).toBe(true)
  const id = await reported(request)

  // The officer's app starts without a network, shows what it knew and keeps what is done; two tabs send it once.
  const street = await person(browser, '/w/', 'duty-s-350102005')
  await street.getByText('道路破损').first().waitFor()
  await street.getByText('道路破损').first().click()
  await expect(street).toHaveURL(new RegExp(`/w/case/${id}`)) // the list has a heading of that name as well
  await expect(street.getByRole('heading', { name: /道路破损/ })).toBeVisible()
  await street.goBack()
  await expect(street).toHaveURL(/\/w\/$/)
  await street.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
  await street.context().setOffline(true)
  await street.reload()
  await expect(street.getByText(/网络不通，显示的是/)).toBeVisible()
  await street.getByText('道路破损').first().click()
  await street.getByRole('button', { name: '签收' }).click()
  await expect(street.getByRole('link', { name: /1 条待传/ })).toBeVisible()
  await straight(street)
  await axe(street, 'offline case')
  await shot(street, 'phone-offline')
  // Its card does not ask for the same once more.
  await street.getByRole('button', { name: '返回' }).click()
  await expect(street.getByRole('button', { name: '已存本机，看提交情况' })).toBeVisible()
  await expect(street.getByRole('button', { name: '签收', exact: true })).toHaveCount(0)
  const second = await street.context().newPage()
  await second.goto('/w/me')
  await expect(second.getByText('等待网络')).toBeVisible()
  await street.context().setOffline(false)
  await Promise.all([street, second].map((p) => p.evaluate(() => dispatchEvent(new Event('online')))))
  await expect(street.getByRole('link', { name: '已同步' })).toBeVisible()
  await expect(second.getByText('都已提交')).toBeVisible()
  const events = (await (await street.request.get(`${api}/cases/${id}/events`)).json()) as { items: { action: string }[] }
  expect(events.items.filter((e) => e.action === 'sign')).toHaveLength(1)
})

test('a grid worker checks in at the stops of the round, also without a network', async ({ browser, request }) => {
  expect((await request.post(`${api}/sandbox/reset`, { data: { fixture: 'F' } })).ok()).toBe(true)
  const headers = { Authorization: `Bearer ${await token(request, 'adm1')}` }
  const shop = { lon: 119.308, lat: 26.0875, datum: 'WGS84' }
  for (const name of ['老福州肉燕', '东街口书店']) expect((await request.post(`${api}/admin/place_codes`, { headers, data: { kind: 'SHOP', name, point: shop } })).status()).toBe(201)
  const gw = await person(browser, '/w/', 'gw1')
  await gw.context().setGeolocation({ latitude: shop.lat, longitude: shop.lon, accuracy: 10 })
  await gw.getByRole('link', { name: '去巡查打卡' }).click()
  await expect(gw.getByText('今天已打卡 0/2')).toBeVisible()
  await gw.getByRole('button', { name: '到点打卡：老福州肉燕' }).click()
  await expect(gw.getByText('今天已打卡 1/2')).toBeVisible()
  await axe(gw, 'patrol')
  await straight(gw)
  await shot(gw, 'phone-patrol')
  await gw.context().setOffline(true)
  await gw.getByRole('button', { name: '到点打卡：东街口书店' }).click()
  await expect(gw.getByRole('listitem').filter({ hasText: '东街口书店' }).getByText('等待网络')).toBeVisible()
  await gw.context().setOffline(false)
  await gw.evaluate(() => dispatchEvent(new Event('online')))
  await expect(gw.getByRole('link', { name: '已同步' })).toBeVisible()
  await gw.reload()
  await expect(gw.getByText('今天已打卡 2/2')).toBeVisible()
  // From nine hundred metres away it is no check-in, and says so.
  await gw.context().setGeolocation({ latitude: shop.lat + 0.0081, longitude: shop.lon, accuracy: 10 })
  await gw.getByRole('button', { name: '再打一次：老福州肉燕' }).click()
  await expect(gw.getByRole('alert').getByText(/距离打卡点 9\d\d 米/)).toBeVisible()
  await axe(gw, 'too far')
})

test('the kit in every state', async ({ browser, wrong }) => {
  const { page } = await phone(browser, { viewport: { width: 320, height: 640 } })
  // By day, at night and in large text.
  for (const [theme, size] of [['light', 'normal'], ['dark', 'large']] as const) {
    await page.goto('/kit')
    await page.getByRole('button', { name: theme, exact: true }).click()
    await page.getByRole('button', { name: size, exact: true }).click()
    await axe(page, `kit ${theme} ${size}`)
    await straight(page)
  }
  // The control: a style that the page policy forbids is seen.
  await page.evaluate(() => document.body.append(Object.assign(document.createElement('style'), { textContent: 'p { color: red }' })))
  await expect.poll(() => wrong.splice(0)).toEqual([expect.stringContaining('style-src')])
})

test('the first page stands before its program, and gives way when that does not come', async ({ browser }) => {
  const { page } = await phone(browser)
  let come = () => {}
  const held = new Promise<void>((go) => (come = go))
  await page.route('**/assets/index-*.js', async (route) => (await held, route.continue()))
  await page.goto('/', { waitUntil: 'commit' })
  const picture = page.locator('#shell')
  await expect(picture.getByText('还没有位置。拍照后会自动识别，也可以自己选')).toBeVisible()
  await expect(page.getByRole('button')).toHaveCount(0) // nothing of it can be reached yet
  await shot(page, 'phone-picture')
  come()
  await expect(page.getByRole('button', { name: '提交' })).toBeVisible()
  await expect(picture).toHaveCount(0)
  await page.unroute('**/assets/index-*.js')
  // A program that cannot be had leaves the way without it.
  await page.route('**/assets/index-*.js', (route) => route.abort())
  await page.goto('/', { waitUntil: 'commit' })
  await expect(page.getByRole('link', { name: /用简易版上报/ })).toBeVisible()
  await expect(picture).toBeHidden()
  await axe(page, 'no program')
  await page.unroute('**/assets/index-*.js')
  await page.route('**/assets/index-*.js', (route) => setTimeout(() => void route.abort(), 500), { times: 1 })
  await page.goto('/w/', { waitUntil: 'commit' })
  await expect(page.getByText(/没能打开，请检查网络后刷新/)).toBeVisible()
  // Who reads English or large letters sees no Chinese and no small ones first.
  for (const choice of ['?lang=en', '?elder']) {
    await page.route('**/assets/index-*.js', (route) => route.abort(), { times: 1 })
    await page.goto('/' + choice, { waitUntil: 'commit' })
    await expect(page.getByRole('link', { name: /用简易版上报/ })).toBeVisible()
    await expect(picture).toBeHidden()
  }
})
