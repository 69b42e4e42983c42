import 'fake-indexeddb/auto'
import { flushPromises, mount } from '@vue/test-utils'
import { IDBFactory } from 'fake-indexeddb'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { entries } from '@/shared/outbox/outbox'
import { textSize } from '@/shared/prefs'
import { closeStore, drafts, outboxRows } from '@/shared/store'
import { begin, clean } from './kiosk'
import KioskBar from './KioskBar.vue'

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory()
  vi.stubGlobal('fetch', vi.fn(() => Promise.resolve(new Response(null, { status: 204 }))))
})
afterEach(async () => {
  vi.useRealTimers()
  entries.value = []
  localStorage.clear()
  await closeStore()
})

test('nothing of a person stays', async () => {
  await drafts.put('report', { text: '井盖松动' } as never)
  localStorage.setItem('yixian.locale', 'en')
  sessionStorage.setItem('yixian.receipt', '{}')
  localStorage.setItem('yixian.kiosk', '/p/tok')
  await clean()
  await flushPromises()
  expect(await drafts.get('report')).toBeUndefined()
  expect(localStorage.getItem('yixian.locale')).toBeNull()
  expect(sessionStorage.getItem('yixian.receipt')).toBeNull()
  expect(localStorage.getItem('yixian.kiosk')).toBe('/p/tok')
  expect(textSize.value).toBe('large')
  const asked = vi.mocked(fetch).mock.calls[0]![0] as Request
  expect(new URL(asked.url).pathname).toBe('/api/v1/auth/logout')
})

test('a link alone makes no terminal of a phone', async () => {
  await drafts.put('report', { text: '井盖松动' } as never)
  history.replaceState(null, '', '/p/tok?kiosk')
  vi.stubGlobal('confirm', vi.fn(() => false))
  await begin()
  expect(await drafts.get('report')).toBeDefined()
  vi.mocked(confirm).mockReturnValue(true)
  await begin()
  expect(await drafts.get('report')).toBeUndefined()
  expect(localStorage.getItem('yixian.kiosk')).toBe('/p/tok')
  await begin()
  expect(confirm).toHaveBeenCalledTimes(2) // a terminal that starts again is not asked again
  history.replaceState(null, '', '/p/tok?kiosk=off')
  await begin()
  expect(localStorage.getItem('yixian.kiosk')).toBeNull()
})

test('what still waits is not taken away', async () => {
  await outboxRows.put({ id: 'a', createdAt: 1 } as never)
  await clean()
  expect(await outboxRows.all()).toHaveLength(1)
  expect(fetch).not.toHaveBeenCalled()
})

test('asks after 45 seconds and begins again after 60, but never over what still waits to be sent', async () => {
  vi.useFakeTimers()
  HTMLDialogElement.prototype.showModal ??= () => undefined
  HTMLDialogElement.prototype.close ??= () => undefined
  const bar = mount(KioskBar)
  await vi.advanceTimersByTimeAsync(46_000)
  expect(bar.text()).toContain('您还在吗')
  dispatchEvent(new Event('pointerdown'))
  await vi.advanceTimersByTimeAsync(1_000)
  expect(bar.text()).not.toContain('您还在吗')
  entries.value = [{} as never]
  await vi.advanceTimersByTimeAsync(90_000)
  expect(bar.emitted('again')).toBeUndefined()
  entries.value = []
  await vi.advanceTimersByTimeAsync(1_000)
  expect(bar.emitted('again')).toHaveLength(1)
  bar.unmount()
})
