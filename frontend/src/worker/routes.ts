import { idle } from '@/shared/start'
import { ensureMe, isStaff } from './account'
import { route, type Line } from './router'

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
  await idle() // until they are drawn
}

export const lines: readonly Line[] = [
  { pattern: /^\/$/, load: tasksPage, tab: 'tasks' },
  { pattern: /^\/case\/(?<id>[^/]+)\/?$/, load: () => import('./pages/CasePage.vue') },
  { pattern: /^\/case\/(?<id>[^/]+)\/call\/?$/, load: () => import('./pages/CallPage.vue') },
  { pattern: /^\/new\/?$/, load: () => import('./pages/NewPage.vue') },
  { pattern: /^\/map\/?$/, load: () => import('./pages/MapPage.vue'), tab: 'map' },
  { pattern: /^\/patrol\/?$/, load: () => import('./pages/PatrolPage.vue') },
  { pattern: /^\/inbox\/?$/, load: () => import('./pages/InboxPage.vue'), tab: 'inbox' },
  { pattern: /^\/me\/?$/, load: () => import('./pages/MinePage.vue'), tab: 'mine' },
  { pattern: /^\/password\/?$/, load: () => import('./pages/PasswordPage.vue'), props: (to) => ({ ticket: to.hash.slice(1) }), open: true },
  { pattern: /^\/sign-in\/?$/, load: () => import('./pages/SignInPage.vue'), open: true },
  { pattern: /^/, load: () => import('./pages/MissingPage.vue') },
]

/** Where to sign in, and back to the given place. */
export function signInFor(fullPath = route.fullPath): string {
  return fullPath === '/' ? '/sign-in' : '/sign-in?' + new URLSearchParams({ back: fullPath }).toString()
}

/** Only a path of this app may be gone back to. */
export function safeBack(back: unknown): string {
  return typeof back === 'string' && /^\/(?!\/)[^\\]*$/.test(back) && !back.startsWith('/sign-in') ? back : '/'
}

/** Who is not signed in is led to the sign-in page and back. */
export async function guard(to: URL, line: Line): Promise<string | undefined> {
  // Links of administrators end in #/password/<ticket>: what stands behind # reaches no server and no log of one.
  const ticket = /^#\/password\/([\w-]+)$/.exec(to.hash)
  if (ticket) return '/password#' + ticket[1]!
  if (line.open) return
  try {
    if (isStaff(await ensureMe())) return
  } catch {
    return // not reached: the page itself says so and offers to try again
  }
  return signInFor(to.pathname + to.search + to.hash)
}
