// A file that an administrator takes in: a wrong line is named and nothing of it is taken, a good one is shown among the rest. Short, so
// that every run does it; admin.spec.ts goes on from there.
import { expect } from '@playwright/test'
import { api, deskSize, person, test } from './kit'

test('a file of units is refused by line, then taken in', async ({ browser, request }) => {
  expect((await request.post(`${api}/sandbox/reset`, { data: { fixture: 'F' } })).ok()).toBe(true)
  const desk = await person(browser, '/desk/', 'adm1', deskSize)
  await desk.getByRole('link', { name: '单位', exact: true }).click()
  await desk.getByRole('button', { name: '导入…' }).click()
  const sheet = desk.getByRole('dialog')
  const choose = (...lines: string[]) => sheet.locator('input[type=file]').setInputFiles({ name: 'units.csv', mimeType: 'text/csv', buffer: Buffer.from(['code,name,short_name,kind,active', ...lines, ''].join('\r\n')) })
  const good = 'D-PARK,鼓楼区停车管理中心,停车中心,DEPARTMENT,是'
  await choose(good, 'D-BAD,没有类型的单位,没类型,星际部门,是')
  await expect(sheet.getByRole('alert')).toContainText('未导入任何内容')
  await expect(sheet.getByRole('row', { name: /^3 / })).toBeVisible()
  await choose(good)
  await expect(sheet.getByText('检查通过，可以导入')).toBeVisible()
  await sheet.getByRole('button', { name: '导入', exact: true }).click()
  await expect(desk.getByRole('link', { name: 'D-PARK' })).toBeVisible()
})
