import { createApp } from 'vue'
import '@/ui/base.css'
import { onUnauthorized, sessionBegins } from '@/shared/api/client'
import { startOutbox } from '@/shared/outbox/outbox'
import { beGuest, loadMe } from '@/shared/session'
import { breath, showProgram, start } from '@/shared/start'
import App from './App.vue'

// Nobody signs in to look around: a guest session is opened silently, and a verified code upgrades it.
const SEEN = 'yixian.seen'
let opening: Promise<void> | undefined
const open = () => (opening ??= beGuest().then(() => localStorage.setItem(SEEN, '1')).finally(() => (opening = undefined)))
onUnauthorized(open)
// A phone that was never here has none: it is opened at once, before the first refusal.
if (!localStorage.getItem(SEEN)) sessionBegins(open())

// A terminal in a hall begins each load with nobody.
const kiosk = /[?&]kiosk\b/.test(location.search) || localStorage.getItem('yixian.kiosk') ? import('./kiosk/kiosk') : undefined

void Promise.resolve(kiosk?.then((k) => k.begin())).then(() => start({ dark: true })).then(async () => {
  createApp(App).mount('#app')
  if (document.documentElement.dataset.shell === undefined) showProgram() // else when the page is whole (ReportPage)
  void kiosk?.then((k) => k.watch(createApp))
  await breath()
  startOutbox()
  loadMe().catch(() => undefined) // offline: the form works without knowing who this is
})
