// Eleven addresses, one table. vue-router would be a sixth of this app's whole script budget (8.7 of 50 kB);
// worker and desk, with their nested pages, use it.
import { defineAsyncComponent, nextTick, shallowReactive, type Component } from 'vue'
import ReportPage from './pages/ReportPage.vue'

type Tab = 'report' | 'track' | 'mine'
/** Pattern, page, the tab that is lit. A tuple, since names of members cost bytes of the first load. */
type Page = readonly [pattern: RegExp, page: Component, nav?: Tab]

// The report is the first load; everything else comes when it is asked for.
const table: Page[] = [
  [/^\/$/, ReportPage, 'report'],
  [/^\/done$/, defineAsyncComponent(() => import('./pages/DonePage.vue'))],
  [/^\/c(?:\/(?<code>[\w-]+))?\/?$/, defineAsyncComponent(() => import('./pages/TrackPage.vue')), 'track'],
  [/^\/p\/(?<token>[\w-]+)\/?$/, ReportPage, 'report'],
  [/^\/me\/seen\/?$/, defineAsyncComponent(() => import('./pages/SeenPage.vue')), 'mine'],
  [/^\/me\/points\/?$/, defineAsyncComponent(() => import('./pages/PointsPage.vue')), 'mine'],
  [/^\/kit\/?$/, defineAsyncComponent(() => import('@/kit/KitPage.vue'))],
  [/^\/me\/?$/, defineAsyncComponent(() => import('./pages/MinePage.vue')), 'mine'],
  [/^\/wechat\/?$/, defineAsyncComponent(() => import('./pages/WechatPage.vue')), 'mine'],
  [/^\/r\/(?<token>[\w-]+)\/?$/, defineAsyncComponent(() => import('./pages/RatePage.vue'))],
]
const missing = defineAsyncComponent(() => import('./pages/MissingPage.vue'))

export interface Route {
  page: Component
  nav?: Tab
  /** Becomes the page's props; a part of the address that is not there is undefined. */
  params: Record<string, string>
}

/** The page of a path and what its pattern names. */
export function match(path: string): Route {
  for (const [pattern, page, nav] of table) {
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
