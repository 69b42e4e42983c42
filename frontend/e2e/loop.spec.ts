// One person's photo goes the whole way: report, sign, call, check-in, result, check, rating, figures — through the three
// pages against the running program (sandbox, demo district), and ends in the supervisor's figures.
import { existsSync } from 'node:fs'
import { expect } from '@playwright/test'
import { api, axe, clock, deskSize, lastCode, person, phoneSize, place, shot, test } from './kit'

const shared = '../../shared/data/images/gps_gulou_wgs84.jpg'
// Pictures for the README show our own photo.
const photo = !process.env.SCREENSHOTS && existsSync(shared) ? shared : 'e2e/stand-in.jpg'

test('the closed loop on the three pages', async ({ browser, request }) => {
  expect((await request.post(`${api}/sandbox/reset`, { data: { fixture: 'demo' } })).ok()).toBe(true)

  // The resident: photo, matter, phone and code once, submit.
  const home = await browser.newContext({ viewport: phoneSize, geolocation: place, permissions: ['geolocation'] })
  const resident = await home.newPage()
  const errors: string[] = []
  resident.on('console', (m) => m.type() === 'error' && m.text().includes('Content Security Policy') && errors.push(m.text()))
  await resident.goto('/')
  await expect(resident.getByRole('heading', { name: '随手拍' })).toBeVisible()
  await axe(resident, 'report')
  await resident.locator('input[type=file]').first().setInputFiles(photo)
  await expect(resident.getByText(/南街街道/).first()).toBeVisible()
  await resident.getByRole('button', { name: '道路破损' }).click()
  await resident.getByLabel('手机号').fill('13900000001')
  await resident.getByRole('button', { name: '获取验证码' }).click()
  await expect(resident.getByRole('button', { name: /秒后可重发/ })).toBeVisible()
  await resident.getByLabel('验证码', { exact: true }).fill(await lastCode(resident, '13900000001'))
  await shot(resident, 'resident-report', true)
  await resident.getByRole('button', { name: '提交' }).click()
  await expect(resident.getByText('已收到').first()).toBeVisible()
  await axe(resident, 'receipt')
  await shot(resident, 'resident-receipt')

  // The dispatcher sees it arrive on the desk and why it went there.
  const dis = await person(browser, '/desk/', 'dis1', deskSize)
  await expect(dis.getByText('道路破损').first()).toBeVisible()
  await shot(dis, 'queue')
  await axe(dis, 'queue')

  // The street signs, contacts the reporter and calls the department.
  const street = await person(browser, '/w/', 'duty-s-350102005')
  await street.getByRole('link', { name: /道路破损/ }).or(street.getByText('道路破损')).first().waitFor()
  await shot(street, 'field-tasks')
  await axe(street, 'tasks')
  await street.getByRole('button', { name: '签收' }).first().click()
  await expect(street.getByText('已完成：签收').or(street.getByText('去办理')).first()).toBeVisible()
  await street.getByText('道路破损').first().click()
  await expect(street.getByRole('heading', { name: /道路破损/ })).toBeVisible()
  await shot(street, 'field-case')
  await axe(street, 'field case')

  await street.getByRole('button', { name: '联系报案人' }).click()
  await street.getByRole('button', { name: '电话', exact: true }).click()
  await street.getByRole('dialog').getByRole('button', { name: '联系报案人' }).click()
  await expect(street.getByText('已完成：联系报案人')).toBeVisible()
  await clock(street, '09:10')
  await street.getByRole('button', { name: '一线呼叫' }).or(street.getByRole('link', { name: '一线呼叫' })).first().click()
  await expect(street.getByText('建设局').first()).toBeVisible() // proposed by the rule
  await shot(street, 'field-call', true)
  await axe(street, 'call')
  await street.getByRole('button', { name: /一键呼叫/ }).click()
  await expect(street.getByText(/已应答 0\/1/)).toBeVisible({ timeout: 15_000 }) // after five seconds to undo
  await shot(street, 'field-called', true)

  // The department answers, arrives by position, and reports the result with a photo.
  const dept = await person(browser, '/w/', 'js1')
  await dept.getByRole('button', { name: '应答：我来' }).click()
  await dept.getByRole('button', { name: /我来，预计/ }).click()
  await expect(dept.getByText(/已完成：应答/)).toBeVisible()
  await expect(street.getByText(/已应答 1\/1/)).toBeVisible() // live, without a reload
  await clock(dept, '09:40')
  await dept.reload()
  await dept.getByRole('button', { name: '到场签到' }).first().click()
  await expect(dept.getByText('在 300 米内，可以签到')).toBeVisible()
  await shot(dept, 'field-checkin')
  await dept.getByRole('dialog').getByRole('button', { name: '到场签到' }).click()
  await expect(dept.getByText(/已完成：到场/)).toBeVisible()
  await expect(street.getByText(/已到场 1\/1/)).toBeVisible()
  await clock(dept, '11:00')
  await dept.goto('/w/')
  await dept.getByText('道路破损').first().click()
  await dept.getByRole('button', { name: '办结反馈' }).first().click()
  const result = dept.getByRole('dialog')
  await result.getByRole('button', { name: '已修复，恢复正常' }).click()
  await result.locator('input[type=file]').first().setInputFiles('e2e/stand-in-after.jpg')
  await expect(result.getByRole('img', { name: '第 1 张照片' })).toBeVisible()
  await axe(dept, 'result form')
  await shot(dept, 'field-result')
  await result.getByRole('button', { name: '办结反馈' }).click()
  await expect(dept.getByText('已完成：办结反馈')).toBeVisible()

  // Another unit checks on the spot.
  const checker = await person(browser, '/w/', 'duty-350102005005')
  await checker.getByRole('button', { name: '去核查' }).click()
  await checker.getByRole('button', { name: '核查通过' }).first().click()
  const check = checker.getByRole('dialog')
  await check.locator('input[type=file]').first().setInputFiles('e2e/stand-in-after.jpg')
  await expect(check.getByRole('img', { name: '第 1 张照片' })).toBeVisible() // nobody is faster than the picker
  await check.getByRole('button', { name: '核查通过' }).click()
  await expect(checker.getByText('已完成：核查通过')).toBeVisible()

  // The resident reads what happened in plain words and rates with one tap on a face.
  await resident.getByRole('link', { name: '查看进度' }).click()
  await expect(resident.getByText('建设局 已到现场')).toBeVisible()
  await shot(resident, 'resident-track', true)
  await axe(resident, 'track')
  await resident.getByRole('link', { name: '请您评价' }).click()
  await resident.getByRole('group').getByRole('button').first().click()
  await resident.getByRole('button', { name: '立即提交' }).click()
  await expect(resident.getByText(/谢谢/).first()).toBeVisible()

  // The desk: the whole case with its verified chain, then the supervisor's figures count it.
  await dis.getByText('道路破损').first().click()
  await expect(dis.getByText(/已验证/).first()).toBeVisible()
  await shot(dis, 'desk')
  await axe(dis, 'desk case')
  const sup = await person(browser, '/desk/', 'sup1', deskSize)
  await sup.getByRole('link', { name: '指标' }).click()
  const row = sup.getByRole('row', { name: /建设局/ })
  await expect(row.getByText('1/1').first()).toBeVisible()
  await expect(row.getByText('100%').first()).toBeVisible()
  await shot(sup, 'figures')
  await axe(sup, 'figures')
  expect(errors).toEqual([])
})
