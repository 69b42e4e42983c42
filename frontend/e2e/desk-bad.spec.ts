// What goes wrong at a desk: an address with a unit that is not there or is another's, a colleague who was faster, a thing
// that was retired while its page was open, a stream that is cut, a browser whose clock is off by a day.
import { expect } from '@playwright/test'
import { api, axe, deskSize, person, test } from './kit'

test.skip(!process.env.E2E_FULL, 'longer than the share of every run: make e2e-full')

test('wrong addresses, faster colleagues, a cut stream and a wrong clock', async ({ browser, request }) => {
  test.setTimeout(900_000) // five people one after the other
  expect((await request.post(`${api}/sandbox/reset`, { data: { fixture: 'F' } })).ok()).toBe(true)
  const bearer = async (name: string) => {
    const login = await request.post(`${api}/auth/login`, { data: { username: name, password: `sandbox-${name}` } })
    return { Authorization: `Bearer ${((await login.json()) as { token: string }).token}` }
  }
  const made = await request.post(`${api}/reports`, { headers: await bearer('hot1'), data: { text: '路边有一堆垃圾', matter: '06010', point: { lon: 119.308, lat: 26.0875, datum: 'WGS84' }, on_behalf: true, phone: '13900000004' } })
  expect(made.status()).toBe(201)
  const { case_id } = (await made.json()) as { case_id: string }

  // A unit that does not exist, and one whose cases are not the reader's: nothing is listed, and the way out is beside it.
  for (const [who, unit] of [['dis1', 'D-NOWHERE'], ['so1', 'D-XF']] as const) {
    const page = await person(browser, `/desk/queue?unit=${unit}`, who, deskSize)
    await expect(page.getByText('没有符合条件的案件')).toBeVisible()
    await expect(page.getByRole('combobox', { name: '单位' })).not.toHaveValue('')
    await axe(page, `queue of ${unit}`)
    await page.getByRole('button', { name: '清除筛选' }).click()
    await expect(page.getByRole('link', { name: /暴露垃圾/ })).toBeVisible()
    await page.context().close()
  }

  // The stream is cut: the page says so and goes on. A colleague acts meanwhile; the action of what is shown comes too late,
  // is not done, and the page says who did what.
  const late = await browser.newContext({ viewport: deskSize })
  await late.route('**/api/v1/stream**', (r) => r.abort())
  const so = await late.newPage()
  await so.goto(`/desk/cases/${case_id}`)
  await so.getByLabel('用户名').fill('so1')
  await so.getByLabel('密码', { exact: true }).fill('sandbox-so1')
  await so.getByRole('button', { name: '登录', exact: true }).click()
  await expect(so.getByRole('button', { name: '签收', exact: true })).toBeVisible()
  await expect(so.getByText(/重连中|定时刷新|正在连接/)).toBeVisible()
  await so.route('**/api/v1/cases/*', (r) => (r.request().method() === 'GET' ? r.abort() : r.continue())) // and nothing is fetched again by itself
  expect((await request.post(`${api}/cases/${case_id}/actions/sign`, { headers: await bearer('sl1'), data: {} })).ok()).toBe(true)
  await so.unroute('**/api/v1/cases/*')
  await so.getByRole('button', { name: '签收', exact: true }).click()
  await expect(so.getByText(/先一步“签收”/)).toBeVisible()
  await late.unroute('**/api/v1/stream**')
  await expect(so.getByText('实时', { exact: true })).toBeVisible({ timeout: 90_000 }) // it tries again by itself
  await late.close()

  // A unit is retired by another administrator while its form is open: the change is refused and explained, nothing is lost.
  // (One that nobody works in and no rule names: others cannot be retired.)
  expect((await request.post(`${api}/admin/units`, { headers: await bearer('adm2'), data: { code: 'D-LAB', name: '鼓楼区试验中心', short_name: '试验中心', kind: 'DEPARTMENT' } })).status()).toBe(201)
  const adm = await person(browser, '/desk/admin/units?open=D-LAB', 'adm1', deskSize)
  const panel = adm.getByRole('dialog')
  await panel.getByLabel('简称').fill('试验新名')
  const retired = await request.post(`${api}/admin/units/D-LAB/retire`, { headers: await bearer('adm2'), data: { version: 1 } })
  expect(retired.ok(), await retired.text()).toBe(true)
  await panel.getByRole('button', { name: '保存', exact: true }).click()
  await expect(panel.getByText(/先改了这一条/)).toBeVisible()
  await axe(adm, 'stale unit')

  // A browser whose clock is a day ahead counts down by the server's time.
  const wrong = await browser.newContext({ viewport: deskSize })
  const clock = await wrong.newPage()
  await clock.clock.setSystemTime(new Date(Date.now() + 86_400_000))
  await clock.goto('/desk/queue')
  await clock.getByLabel('用户名').fill('dis1')
  await clock.getByLabel('密码', { exact: true }).fill('sandbox-dis1')
  await clock.getByRole('button', { name: '登录', exact: true }).click()
  const row = clock.getByRole('link', { name: /暴露垃圾/ })
  await expect(row).toBeVisible()
  await expect(row).toContainText('剩')
  await expect(row).not.toContainText('超时')
})
