// A terminal in a public hall: large, and nothing of a person stays for the next one. Its browser is opened once with
// /p/<place code of kind KIOSK>?kiosk and stays a terminal until ?kiosk=off. Every load of the page begins with nobody; a minute
// without a touch, or a press on 结束使用, loads it again.
import type { createApp } from 'vue'
import { setTextSize } from '@/shared/prefs'
import { api } from '@/shared/api/client'
import { closeStore, outboxRows } from '@/shared/store'
import KioskBar from './KioskBar.vue'
import { t } from './words'

/** Holds the address that the terminal begins with. */
const KEY = 'yixian.kiosk'
const home = () => localStorage.getItem(KEY)

/** Before anything is shown. Whoever merely opens such a link on a phone is asked, for it takes away what lies there. */
export async function begin(): Promise<void> {
  const wanted = new URLSearchParams(location.search).get('kiosk')
  if (wanted === 'off') localStorage.removeItem(KEY)
  else if (wanted !== null && home() !== location.pathname && confirm(t('become'))) localStorage.setItem(KEY, location.pathname)
  if (home()) await clean()
}

/** Takes away whatever the last person left: session, drafts, receipt, choices. What still waits for the network is sent first. */
export async function clean(): Promise<void> {
  if ((await outboxRows.all()).length > 0) return
  const place = home()
  await api.POST('/auth/logout').catch(() => undefined) // without a network: the next load tries again
  await closeStore()
  for (const { name } of await indexedDB.databases()) if (name) indexedDB.deleteDatabase(name)
  localStorage.clear()
  sessionStorage.clear()
  if (place) localStorage.setItem(KEY, place)
  setTextSize('large')
}

/** Shows the bar, which watches for a minute without a touch. `create` is the app's own, so that it is loaded once. */
export function watch(create: typeof createApp): void {
  if (!home()) return
  document.body.classList.add('kiosk')
  const place = document.body.appendChild(document.createElement('div'))
  create(KioskBar, { onAgain: () => location.replace(home() ?? '/') }).mount(place)
}
