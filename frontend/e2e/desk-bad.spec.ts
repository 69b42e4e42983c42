// What goes wrong at a desk: an address with a unit that is not there or is another's, a colleague who was faster, a thing
// that was retired while its page was open, a stream that is cut, a browser whose clock is off by a day.
import { expect } from '@playwright/test'
import { api, axe, deskSize, person, reported, test, token } from './kit'

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
  await so.clock.install()
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
  // An hour goes by like this. What happened meanwhile is there by itself once the stream is.
  await so.clock.fastForward('01:00:00')
  expect((await request.post(`${api}/cases/${case_id}/actions/note`, { headers: await bearer('sl1'), data: { text: '断线期间记下的一句话' } })).ok()).toBe(true)
  await late.unroute('**/api/v1/stream**')
  await so.clock.fastForward('01:00') // it tries again by itself
  await expect(so.getByText('实时', { exact: true })).toBeVisible({ timeout: 90_000 })
  await expect(so.getByText('断线期间记下的一句话')).toBeVisible()
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

test('ten thousand characters, a file of hundreds of pages, an export beyond the cap', async ({ browser, request }) => {
  test.setTimeout(900_000)
  expect((await request.post(`${api}/sandbox/reset`, { data: { fixture: 'F' } })).ok()).toBe(true)
  const id = await reported(request, { point: { lon: 119.308, lat: 26.0875, datum: 'WGS84' } })

  // Too long a text is neither cut off nor lost: the form says by how much, and takes it once it is shorter.
  const so = await person(browser, `/desk/cases/${id}`, 'so1', deskSize)
  await so.getByRole('button', { name: '更多操作' }).click()
  await so.getByRole('button', { name: '备注', exact: true }).click()
  const form = so.getByRole('dialog')
  const box = form.locator('textarea').first()
  await box.fill('长'.repeat(10_000))
  await form.locator('button[type=submit]').click()
  await expect(form.getByRole('link', { name: /写了 10000 字，最多 2000 字/ })).toBeVisible()
  expect((await box.inputValue()).length).toBe(10_000)
  await axe(so, 'too long')
  await box.fill('短一些的话')
  await form.locator('button[type=submit]').click()
  await expect(form).toBeHidden()
  // Whoever goes around the form is refused by the program.
  const note = (text: string) => request.post(`${api}/cases/${id}/actions/note`, { headers, data: { text } })
  const headers = { Authorization: `Bearer ${await token(request, 'so1')}` }
  expect((await note('长'.repeat(10_000))).status()).toBe(422)

  // A case on which very much was written prints to its last line, with the hash that closes it.
  const NOTES = 400
  for (let i = 0; i < NOTES; i++) expect((await note(`第 ${i} 条。${'现场情况记录，'.repeat(250)}`)).ok()).toBe(true)
  await so.addInitScript(() => (window.print = () => (document.body.dataset.printed = 'yes')))
  await so.goto(`/desk/cases/${id}`)
  await so.getByRole('button', { name: /打印/ }).click()
  await expect(so.locator('body[data-printed]')).toBeAttached({ timeout: 120_000 })
  const pdf = (await so.pdf({ format: 'A4' })).toString('latin1')
  const pages = [...pdf.matchAll(/\/Type\s*\/Page[^s]/g)].length
  console.log(`RESULT name=print notes=${NOTES} pages=${pages}`)
  expect(pages).toBeGreaterThan(150)
  await so.emulateMedia({ media: 'print' })
  await expect(so.getByText(`第 ${NOTES - 1} 条。`)).toBeVisible()
  await expect(so.getByText('第 0 条。')).toBeVisible()
  await expect(so.locator('.on-paper code')).toHaveText(/^[0-9a-f]{64}$/)
  await so.context().close()

  // An export beyond the cap (the program's refusal, as for a thousand and one cases) leads to the form that asks an auditor.
  const sup = await person(browser, '/desk/exports', 'sup1', deskSize)
  await sup.route('**/api/v1/exports/cases**', (r) => r.fulfill({ status: 422, contentType: 'application/problem+json', json: { code: 'EXPORT_TOO_LARGE', status: 422, title: 'Unprocessable Entity', detail: '超过 1000 条，请先申请' } }), { times: 1 })
  await sup.locator('#out-from').fill('2026-06-01')
  await sup.getByRole('button', { name: '下载', exact: true }).click()
  await expect(sup.getByRole('link', { name: /超过 1000 条/ })).toBeVisible()
  await sup.locator('#out-reason').fill('半年工作总结')
  await sup.getByRole('button', { name: '申请导出' }).click()
  await expect(sup.getByText('半年工作总结')).toBeVisible()
  await axe(sup, 'asked for an export')
  const aud = await person(browser, '/desk/exports', 'aud1', deskSize)
  await aud.getByRole('listitem').filter({ hasText: '半年工作总结' }).getByRole('button', { name: '批准', exact: true }).click()
  await sup.reload()
  const file = sup.waitForEvent('download')
  await sup.getByRole('listitem').filter({ hasText: '半年工作总结' }).getByRole('button').click()
  expect((await file).suggestedFilename()).toMatch(/\.xlsx$/)
})
