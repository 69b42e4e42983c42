import { createRouter, createWebHistory, type RouteLocationNormalized } from 'vue-router'
import { ensureMe, isStaff } from './account'

declare module 'vue-router' {
  interface RouteMeta {
    /** Reachable without a sign-in. */
    open?: boolean
    /** Which entry of the navigation is lit; without one the page is a detail with a way back. */
    tab?: 'tasks' | 'map' | 'inbox' | 'mine'
  }
}

const tasksPage = () => import('./pages/TasksPage.vue')

/**
 * Where nearly every visit begins: the page, who is signed in and that person's tasks are asked for at once, before anything is
 * drawn. It resolves when they are there or cannot be had; what is not needed to see them waits until then, but never long: a call
 * must ring behind a list that does not come. Begun from its own task: who watches the network (every tool that measures pages) reads the
 * whole of a script again for a request that its outermost level makes.
 */
export const begun: Promise<void> = location.pathname === '/w/' ? Promise.race([Promise.resolve().then(begin).catch(() => undefined), new Promise<void>((go) => setTimeout(go, 3_000))]) : Promise.resolve()

async function begin(): Promise<void> {
  void tasksPage().catch(() => undefined) // the router asks again and says so
  if (isStaff(await ensureMe())) await (await import('./useTasks')).ask()
}

export const router = createRouter({
  history: createWebHistory('/w/'),
  routes: [
    { path: '/', component: tasksPage, meta: { tab: 'tasks' } },
    { path: '/case/:id', component: () => import('./pages/CasePage.vue'), props: true },
    { path: '/case/:id/call', component: () => import('./pages/CallPage.vue'), props: true },
    { path: '/new', component: () => import('./pages/NewPage.vue') },
    { path: '/map', component: () => import('./pages/MapPage.vue'), meta: { tab: 'map' } },
    { path: '/patrol', component: () => import('./pages/PatrolPage.vue') },
    { path: '/inbox', component: () => import('./pages/InboxPage.vue'), meta: { tab: 'inbox' } },
    { path: '/me', component: () => import('./pages/MinePage.vue'), meta: { tab: 'mine' } },
    { path: '/password', component: () => import('./pages/PasswordPage.vue'), props: (to) => ({ ticket: to.hash.slice(1) }), meta: { open: true } },
    { path: '/sign-in', component: () => import('./pages/SignInPage.vue'), meta: { open: true } },
    { path: '/:rest(.*)*', component: () => import('./pages/MissingPage.vue') },
  ],
  scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? false : { top: 0 }),
})

export function signInFor(to: Pick<RouteLocationNormalized, 'fullPath'>) {
  return { path: '/sign-in', query: to.fullPath === '/' ? {} : { back: to.fullPath } }
}

/** Only a path of this app may be gone back to. */
export function safeBack(back: unknown): string {
  return typeof back === 'string' && /^\/(?!\/)[^\\]*$/.test(back) && !back.startsWith('/sign-in') ? back : '/'
}

router.beforeEach(async (to) => {
  // Links of administrators end in #/password/<ticket>: what stands behind # reaches no server and no log of one.
  const ticket = /^#\/password\/([\w-]+)$/.exec(to.hash)
  if (ticket) return { path: '/password', hash: '#' + ticket[1]!, replace: true }
  if (to.meta.open) return true
  try {
    if (isStaff(await ensureMe())) return true
  } catch {
    return true // not reached: the page itself says so and offers to try again
  }
  return signInFor(to)
})
