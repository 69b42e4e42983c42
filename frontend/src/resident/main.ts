import { createApp } from 'vue'
import '@/ui/base.css'
import { onUnauthorized } from '@/shared/api/client'
import { startOutbox } from '@/shared/outbox/outbox'
import { beGuest, loadMe } from '@/shared/session'
import { start } from '@/shared/start'
import App from './App.vue'

// Nobody signs in to look around: a guest session is opened silently, and a verified code upgrades it.
let opening: Promise<void> | undefined
onUnauthorized(() => (opening ??= beGuest().finally(() => (opening = undefined))))

// A terminal in a hall begins each load with nobody.
const kiosk = /[?&]kiosk\b/.test(location.search) || localStorage.getItem('yixian.kiosk') ? import('./kiosk/kiosk') : undefined

void Promise.resolve(kiosk?.then((k) => k.begin())).then(() => start({ dark: true })).then(() => {
  createApp(App).mount('#app')
  void kiosk?.then((k) => k.watch(createApp))
  startOutbox()
  loadMe().catch(() => undefined) // offline: the form works without knowing who this is
})
