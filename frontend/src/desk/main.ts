import { VueQueryPlugin } from '@tanstack/vue-query'
import { createApp } from 'vue'
import '@/ui/base.css'
import './desk.css'
import { onUnauthorized } from '@/shared/api/client'
import { ApiError } from '@/shared/api/problem'
import { me } from '@/shared/session'
import { start } from '@/shared/start'
import App from './App.vue'
import { t } from './i18n'
import { queries, stopLive } from './live'
import { router, signInTo } from './routes'

// A session that ends while somebody works: back to the sign-in page, and from there to the same place.
onUnauthorized(async () => {
  if (me.value) {
    me.value = null
    stopLive()
    await router.push(signInTo(router.currentRoute.value.fullPath))
  }
  throw new ApiError(401, 'UNAUTHENTICATED', t('signInAgain'))
})

void start().then(() => createApp(App).use(VueQueryPlugin, { queryClient: queries }).use(router).mount('#app'))
