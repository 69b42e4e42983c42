// An administrator takes a file of units in (the bad one is refused by line), writes a rule, another publishes it, and a
// report goes where the rule says; the supervisor's numbers are the lengths of the lists behind them.
import { expect } from '@playwright/test'
import { api, axe, deskSize, person, shot, test } from './kit'

test.skip(!process.env.E2E_FULL, 'longer than the share of every run: make e2e-full')

test('units come in by file, a rule by two people, and a case goes by it', async ({ browser, request }) => {
  test.setTimeout(900_000) // three people, eight looks at accessibility: a busy machine takes its time
  expect((await request.post(`${api}/sandbox/reset`, { data: { fixture: 'F' } })).ok()).toBe(true)
  const adm = await person(browser, '/desk/', 'adm1', deskSize)
  await expect(adm.getByRole('heading', { name: '开通前的准备' })).toBeVisible()
  await expect(adm.getByText('至少两位管理员')).toBeVisible()
  await shot(adm, 'admin-start')
  await axe(adm, 'first steps')

  // A file with a wrong line is refused by line and column; nothing of it is taken.
  await adm.getByRole('link', { name: '单位', exact: true }).click()
  await expect(adm.getByRole('link', { name: 'D-CG' })).toBeVisible()
  await shot(adm, 'admin-units')
  await axe(adm, 'units')
  const head = 'code,name,short_name,kind,active'
  const good = 'D-PARK,鼓楼区停车管理中心,停车中心,DEPARTMENT,是'
  const bad = 'D-BAD,没有类型的单位,没类型,星际部门,是'
  await adm.getByRole('button', { name: '导入…' }).click()
  const sheet = adm.getByRole('dialog')
  await sheet.locator('input[type=file]').setInputFiles({ name: 'units.csv', mimeType: 'text/csv', buffer: Buffer.from([head, good, bad, ''].join('\r\n')) })
  await expect(sheet.getByRole('alert')).toContainText('未导入任何内容')
  await expect(sheet.getByRole('row', { name: /^3 / })).toBeVisible()
  await shot(adm, 'admin-import-refused')
  await axe(adm, 'refused import')
  await sheet.locator('input[type=file]').setInputFiles({ name: 'units.csv', mimeType: 'text/csv', buffer: Buffer.from([head, good, ''].join('\r\n')) })
  await expect(sheet.getByText('检查通过，可以导入')).toBeVisible()
  await sheet.getByRole('button', { name: '导入', exact: true }).click()
  await adm.getByRole('searchbox', { name: '搜索' }).fill('停车')
  await adm.getByRole('link', { name: 'D-PARK' }).click()
  await adm.getByRole('dialog').getByRole('button', { name: '历史' }).click()
  await expect(adm.getByRole('dialog').getByText('导入').first()).toBeVisible()
  await adm.keyboard.press('Escape')

  // A rule for the new unit: drafted by one administrator …
  await adm.getByRole('link', { name: '派单规则' }).click()
  await adm.getByRole('button', { name: '起草新版本' }).click()
  await adm.getByRole('dialog').getByRole('button', { name: '起草新版本' }).click()
  await adm.getByRole('button', { name: '新增规则' }).click()
  const panel = adm.getByRole('dialog')
  await panel.getByLabel('规则编号').fill('R-PARK')
  await panel.getByLabel('名称').fill('东街垃圾归停车中心')
  await panel.getByLabel('优先级').fill('900')
  await panel.getByLabel('适用区域').fill('350102004') // as narrow as the rule that decides today: then the priority counts
  await panel.getByRole('button', { name: '＋ 添加条件' }).click()
  await panel.getByRole('combobox', { name: '值' }).fill('06010')
  await panel.getByRole('option', { name: /06010/ }).first().click()
  await panel.getByRole('combobox', { name: '主办' }).fill('停车')
  await panel.getByRole('option', { name: /停车/ }).first().click()
  await axe(adm, 'rule form')
  await shot(adm, 'admin-rule')
  await panel.getByRole('button', { name: '保存规则' }).click()
  await expect(adm.getByRole('button', { name: '东街垃圾归停车中心' })).toBeVisible()
  await shot(adm, 'admin-rules')
  await axe(adm, 'rules')
  const version = /rules\/(\d+)/.exec(adm.url())![1]!
  await adm.getByRole('button', { name: '试跑' }).first().click()
  await adm.getByLabel('事项').fill('06010')
  await adm.getByRole('option', { name: /06010/ }).first().click()
  await adm.getByLabel('网格编码').fill('350102004001001')
  await adm.getByRole('button', { name: '试跑' }).last().click()
  await expect(adm.getByText('命中 R-PARK →')).toBeVisible()
  await shot(adm, 'admin-try')
  await axe(adm, 'trial')
  await adm.getByRole('button', { name: '发布…' }).click()
  await expect(adm.getByRole('dialog').getByText('须由另一位管理员发布')).toBeVisible()
  await expect(adm.getByRole('dialog').getByRole('button', { name: '确认发布' })).toBeDisabled()

  // … and published by the other.
  const second = await person(browser, `/desk/admin/rules/${version}?tab=diff`, 'adm2', deskSize)
  await expect(second.getByText('R-PARK')).toBeVisible()
  await second.getByRole('button', { name: '发布…' }).click()
  await second.getByRole('dialog').getByRole('button', { name: '确认发布' }).click()
  await expect(second.getByText('现行').first()).toBeVisible()

  // The next report goes by it.
  const login = await request.post(`${api}/auth/login`, { data: { username: 'hot1', password: 'sandbox-hot1' } })
  const { token } = (await login.json()) as { token: string }
  const made = await request.post(`${api}/reports`, { headers: { Authorization: `Bearer ${token}` }, data: { text: '路边有一堆垃圾', matter: '06010', point: { lon: 119.308, lat: 26.0875, datum: 'WGS84' }, on_behalf: true, phone: '13900000004' } })
  expect(made.status()).toBe(201)
  const { case_id } = (await made.json()) as { case_id: string }
  const dis = await person(browser, `/desk/cases/${case_id}`, 'dis1', deskSize)
  await dis.getByText('为什么派给这个单位').click()
  await expect(dis.getByText(/命中规则 R-PARK/).first()).toBeVisible()
})

test('every number of the cockpit is the length of the list behind it', async ({ browser, request }) => {
  expect((await request.post(`${api}/sandbox/reset`, { data: { fixture: 'F' } })).ok()).toBe(true)
  const login = await request.post(`${api}/auth/login`, { data: { username: 'hot1', password: 'sandbox-hot1' } })
  const { token } = (await login.json()) as { token: string }
  for (const lon of [119.308, 119.3081]) {
    const made = await request.post(`${api}/reports`, { headers: { Authorization: `Bearer ${token}` }, data: { text: '路边有一堆垃圾', matter: '06010', point: { lon, lat: 26.0875, datum: 'WGS84' }, on_behalf: true, phone: '13900000004' } })
    expect(made.status()).toBe(201)
  }
  await request.post(`${api}/sandbox/clock`, { data: { advance: '1m' } })
  const sup = await person(browser, '/desk/cockpit', 'sup1', deskSize)
  const tile = sup.getByRole('article').filter({ hasText: '上报' }).first()
  await expect(tile.getByRole('link')).toHaveText('2')
  await shot(sup, 'cockpit')
  await axe(sup, 'cockpit')
  await tile.getByRole('link').click()
  await expect(sup.getByRole('heading', { name: /数字背后：上报/ })).toBeVisible()
  await expect(sup.locator('tbody tr')).toHaveCount(2)
  await expect(sup.getByRole('status').filter({ hasText: '件案件' })).toContainText('2')
  await axe(sup, 'behind')
  await sup.goto('/desk/wall')
  await expect(sup.getByRole('heading', { name: /指挥驾驶舱/ })).toBeVisible()
  await axe(sup, 'wall')
})
