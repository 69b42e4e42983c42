// Supervision from a number to its cases and back: the cockpit's figure is the length of its list, a month's sheet leads to
// the cases behind an indicator, a supervisor asks that one be taken out and an auditor decides; the sheet's next version shows it.
import { expect } from '@playwright/test'
import { api, axe, deskSize, person, shot, test } from './kit'

test.skip(!process.env.E2E_FULL, 'longer than the share of every run: make e2e-full')

test('a number leads to its list, a sheet to its cases, and two people take one out', async ({ browser, request }) => {
  test.setTimeout(900_000) // two people, seven looks at accessibility: a busy machine takes its time
  expect((await request.post(`${api}/sandbox/reset`, { data: { fixture: 'assessment' } })).ok()).toBe(true)
  expect((await request.post(`${api}/sandbox/clock`, { data: { set: '2026-08-01T09:00:00+08:00' } })).ok()).toBe(true) // June is frozen

  // The cockpit: seven of ten duties in time; the list behind has ten lines, seven of them in the numerator.
  const sup = await person(browser, '/desk/cockpit?from=2026-06-01&until=2026-06-30', 'sup1', deskSize)
  const tile = sup.getByRole('article').filter({ hasText: '按期处置率' }).first()
  await expect(tile).toContainText(/\d+\/\d+/)
  const [, holds, all] = /(\d+)\/(\d+)/.exec((await tile.textContent())!)!
  expect(Number(all)).toBeGreaterThan(0)
  await axe(sup, 'cockpit')
  await tile.getByRole('link').first().click()
  await expect(sup.getByRole('heading', { name: /数字背后：按期处置率/ })).toBeVisible()
  await expect(sup.locator('tbody tr')).toHaveCount(Number(all))
  await expect(sup.locator('tbody').getByText('达标', { exact: true })).toHaveCount(Number(holds))
  await axe(sup, 'behind a figure')

  // The sheet of June, and what an indicator of it counted.
  await sup.getByRole('link', { name: '考核', exact: true }).click()
  await sup.getByLabel('月份').fill('2026-06')
  await expect(sup.getByText('已定稿')).toBeVisible()
  await axe(sup, 'sheets of a month')
  await sup.getByRole('link', { name: /城管/ }).click()
  await expect(sup.getByText(/第 1 版/)).toBeVisible()
  await expect(sup.getByText('72.2143')).toBeVisible()
  await axe(sup, 'sheet')
  await sup.getByRole('button', { name: /查看“.*处置率”的明细/ }).first().click()
  await expect(sup.getByRole('link', { name: 'F-a3' })).toBeVisible()
  await shot(sup, 'assessment-behind')
  await sup.getByRole('link', { name: 'F-a3' }).click()
  await expect(sup.getByText('F-a3').first()).toBeVisible()
  await sup.goBack()

  // One is asked to be taken out; without a reason it is not sent.
  await sup.getByRole('button', { name: '申请剔除 F-a3' }).click()
  const sheet = sup.getByRole('dialog')
  await sheet.getByRole('button', { name: '申请剔除', exact: true }).click()
  await expect(sheet.getByRole('alert')).toContainText('请选择：剔除原因')
  await axe(sup, 'proposal')
  await sheet.getByLabel('剔除原因').selectOption('EX1')
  await sheet.getByLabel('理由').fill('台风期间道路中断')
  await sheet.getByRole('button', { name: '申请剔除', exact: true }).click()
  await expect(sheet).toBeHidden()
  await sup.goto('/desk/exclusions')
  await expect(sup.getByText('您提出的须由审计员决定')).toBeVisible()
  await expect(sup.getByRole('button', { name: '批准', exact: true })).toHaveCount(0) // four eyes

  const aud = await person(browser, '/desk/exclusions?state=PROPOSED', 'aud1', deskSize)
  await expect(aud.getByText(/孟督查 于/)).toBeVisible()
  await axe(aud, 'exclusions')
  await aud.getByRole('button', { name: '批准', exact: true }).click()
  await aud.getByRole('dialog').getByRole('button', { name: '批准', exact: true }).click()
  await expect(aud.getByText('没有剔除申请')).toBeVisible()

  // The sheet has a second version.
  await sup.goto('/desk/assessment/D-CG/2026-06')
  await expect(sup.getByText(/第 2 版/)).toBeVisible()
  await expect(sup.getByText('72.2143')).toHaveCount(0)

  // An objection and its answer.
  const leader = await person(browser, '/desk/assessment/D-CG/2026-06', 'cgl', deskSize)
  await leader.getByLabel('异议内容').fill('六月三日的任务已在时限内办结')
  await leader.getByRole('button', { name: '提出异议' }).click()
  await expect(leader.getByText('六月三日的任务已在时限内办结')).toBeVisible()
  await sup.reload()
  await sup.getByLabel('答复内容').fill('已核对现场照片时间，维持原结果')
  await sup.getByRole('button', { name: '答复', exact: true }).click()
  await expect(sup.getByText(/答复：已核对现场照片时间/)).toBeVisible()
  await axe(sup, 'answered sheet')
})
