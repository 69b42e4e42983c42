// Eleven addresses, one table. vue-router would be a sixth of this app's whole script budget (8.7 of 50 kB);
// worker and desk, with their nested pages, use it.
import { defineAsyncComponent, nextTick, shallowReactive, type Component } from 'vue'
import ReportPage from './pages/ReportPage.vue'

interface Page {
  pattern: RegExp
  page: Component
  /** The tab that is lit. */
  nav?: 'report' | 'track' | 'mine'
}

// The report is the first load; everything else comes when it is asked for.
const table: Page[] = [
  { pattern: /^\/$/, page: ReportPage, nav: 'report' },
  { pattern: /^\/done$/, page: defineAsyncComponent(() => import('./pages/DonePage.vue')) },
  { pattern: /^\/c(?:\/(?<code>[\w-]+))?\/?$/, page: defineAsyncComponent(() => import('./pages/TrackPage.vue')), nav: 'track' },
  { pattern: /^\/p\/(?<token>[\w-]+)\/?$/, page: ReportPage, nav: 'report' },
  { pattern: /^\/me\/seen\/?$/, page: defineAsyncComponent(() => import('./pages/SeenPage.vue')), nav: 'mine' },
  { pattern: /^\/me\/points\/?$/, page: defineAsyncComponent(() => import('./pages/PointsPage.vue')), nav: 'mine' },
  { pattern: /^\/kit\/?$/, page: defineAsyncComponent(() => import('@/kit/KitPage.vue')) },
  { pattern: /^\/me\/?$/, page: defineAsyncComponent(() => import('./pages/MinePage.vue')), nav: 'mine' },
  { pattern: /^\/wechat\/?$/, page: defineAsyncComponent(() => import('./pages/WechatPage.vue')), nav: 'mine' },
  { pattern: /^\/r\/(?<token>[\w-]+)\/?$/, page: defineAsyncComponent(() => import('./pages/RatePage.vue')) },
]
const missing = defineAsyncComponent(() => import('./pages/MissingPage.vue'))

export interface Route {
  page: Component
  nav?: Page['nav']
  /** Becomes the page's props; a part of the address that is not there is undefined. */
  params: Record<string, string>
}

/** The page of a path and what its pattern names. */
export function match(path: string): Route {
  for (const { pattern, page, nav } of table) {
    const m = pattern.exec(path)
    if (m) return { page, nav, params: { ...m.groups } }
  }
  return { page: missing, nav: undefined, params: {} }
}

export const route = shallowReactive<Route>(match(location.pathname))

addEventListener('popstate', () => Object.assign(route, match(location.pathname)))

/** Goes to a path of this app; the focus moves to the new page, as a full load would do. */
export function go(path: string): void {
  history.pushState(null, '', path)
  Object.assign(route, match(location.pathname))
  void nextTick(() => {
    scrollTo(0, 0)
    document.getElementById('main')?.focus({ preventScroll: true })
  })
}
