// The street's way with a case by keyboard alone: from the list to the case, through every action, without a pointer.
import { expect, type Locator, type Page } from '@playwright/test'
import { api, axe, deskSize, person, test } from './kit'

test.skip(!process.env.E2E_FULL, 'longer than the share of every run: make e2e-full')

/** Tab until the control has the focus, as somebody without a mouse goes. */
async function tabTo(page: Page, what: Locator, most = 120) {
  for (let i = 0; i < most; i++) {
    if (await what.evaluate((e) => e === document.activeElement)) return
    await page.keyboard.press('Tab')
  }
  expect(await what.evaluate((e) => e.outerHTML), 'is reached by Tab').toBe('focused')
}

test('a street signs, speaks to the reporter, calls and notes by keyboard alone', async ({ browser, request }) => {
  test.setTimeout(900_000)
  expect((await request.post(`${api}/sandbox/reset`, { data: { fixture: 'F' } })).ok()).toBe(true)
  const login = await request.post(`${api}/auth/login`, { data: { username: 'hot1', password: 'sandbox-hot1' } })
  const { token } = (await login.json()) as { token: string }
  const made = await request.post(`${api}/reports`, { headers: { Authorization: `Bearer ${token}` }, data: { text: '路面有个大坑', matter: '06013', point: { lon: 119.308, lat: 26.0875, datum: 'WGS84' }, on_behalf: true, phone: '13900000004' } })
  expect(made.status()).toBe(201)

  const page = await person(browser, '/desk/queue', 'so1', deskSize)
  await expect(page.locator('.list li > a')).toHaveCount(1)
  // From here on only keys.
  await page.keyboard.press('j')
  await expect(page.locator('.list li > a')).toBeFocused()
  await page.keyboard.press('Enter')
  const does = (name: string | RegExp) => page.locator('.top').getByRole('button', { name, exact: true })
  await tabTo(page, does('签收'))
  await page.keyboard.press('Enter')
  await expect(does('办结反馈')).toBeVisible()

  // What has no room in the row is behind one more press.
  await tabTo(page, does('更多操作'))
  await page.keyboard.press('Enter')
  // A form: the choice by arrows, sent by Enter on its button; the focus comes back to where it was.
  await tabTo(page, does('联系报案人'))
  await page.keyboard.press('Enter')
  const form = page.getByRole('dialog')
  await expect(form).toBeVisible()
  await tabTo(page, form.getByRole('radio').first())
  await page.keyboard.press('Space')
  await tabTo(page, form.locator('button[type=submit]'))
  await page.keyboard.press('Enter')
  await expect(form).toBeHidden()

  // The duty is given to a colleague: who is on duty and has the least to do comes first.
  await tabTo(page, does('指派经办人'))
  await page.keyboard.press('Enter')
  await expect(form.getByRole('radio').first()).toBeVisible()
  await tabTo(page, form.getByRole('radio').first())
  await page.keyboard.press('Space')
  await axe(page, 'assign')
  await tabTo(page, form.locator('button[type=submit]'))
  await page.keyboard.press('Enter')
  await expect(form).toBeHidden()
  await expect(page.locator('.case').getByText(/^经办人/).first()).toBeVisible()

  // The call by its key: level, reason and a department by typing its name.
  await page.keyboard.press('c')
  await expect(form).toBeVisible()
  for (const group of await form.getByRole('group').filter({ has: page.getByRole('radio') }).all()) {
    await tabTo(page, group.getByRole('radio').first())
    await page.keyboard.press('Space')
  }
  const pick = form.getByRole('combobox').first()
  await tabTo(page, pick)
  await page.keyboard.type('城管') // the rules propose another one, which stands ready
  await expect(form.getByRole('option').first()).toContainText('城市管理')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await expect(form.getByRole('checkbox', { name: /城管|城市管理/ })).toBeChecked()
  await tabTo(page, form.locator('button[type=submit]'))
  await page.keyboard.press('Enter')
  await expect(form).toBeHidden()
  await expect(page.getByText('呼叫中(待报到)').first()).toBeVisible()

  // Esc goes back to the list, ? shows every key, Esc closes it.
  await page.keyboard.press('Escape')
  await expect(page).toHaveURL(/\/desk\/queue/)
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog', { name: '快捷键' })).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toHaveCount(0)
})
