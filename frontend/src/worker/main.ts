import { VueQueryPlugin } from '@tanstack/vue-query'
import { createApp } from 'vue'
import '@/ui/base.css'
import { onUnauthorized } from '@/shared/api/client'
import { ApiError } from '@/shared/api/problem'
import { startOutbox } from '@/shared/outbox/outbox'
import { me } from '@/shared/session'
import { start } from '@/shared/start'
import { toast } from '@/ui/toast'
import App from './App.vue'
import { t } from './i18n'
import { client } from './queries'
import { router, startRouter } from './router'
import { begun, guard, lines, signInFor } from './routes'
import { stopLive } from './useLive'

// A session that ends in the middle of work leads to the sign-in page and back to the same place.
onUnauthorized(async () => {
  if (me.value) {
    me.value = null
    stopLive()
    toast(t('sessionOver'))
    await router.replace(signInFor())
  }
  throw new ApiError(401, 'SIGNED_OUT', t('sessionOver'))
})

const KEEP_AFTER = 4_000 // ms

void start({ dark: true }).then(() => {
  void startRouter(lines, guard).catch(() => undefined)
  createApp(App).use(VueQueryPlugin, { queryClient: client }).mount('#app')
  void begun.then(() => {
    startOutbox()
    navigator.storage?.persist?.().catch(() => undefined) // waiting photos must not be evicted
  })
  // What is kept for a cellar is fetched when the first page has come: forty files would stand in its way.
  setTimeout(() => void import('./installed').then((m) => m.install()).catch(() => undefined), KEEP_AFTER)
})
