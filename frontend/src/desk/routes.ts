import { createRouter, createWebHistory, type RouteLocationRaw } from 'vue-router'
import { loadMe, me } from '@/shared/session'
import { adminRoutes } from './modules/admin/sections'
import { VIEWS } from './modules/metrics/views'
import { can } from './shell/can'
import { homeFor, NAV, offered, type NavName } from './shell/nav'

declare module 'vue-router' {
  interface RouteMeta {
    /** Key of the navigation entry that is lit, and of the page's title. */
    nav?: NavName
    /** Shown without the frame and without a session. */
    bare?: boolean
    /** Shown without the frame, for somebody who is signed in: the wall. */
    alone?: boolean
    /** For everybody on the staff, whatever entry it stands under: a link out of a message leads here. */
    anyone?: boolean
  }
}

export const router = createRouter({
  history: createWebHistory('/desk/'),
  routes: [
    { path: '/sign-in', name: 'sign-in', component: () => import('./modules/signin/SignInPage.vue'), meta: { bare: true } },
    {
      // The list stays as it is while cases open and close beside it: both addresses live under one parent.
      path: '/',
      component: () => import('./modules/queue/QueuePage.vue'),
      meta: { nav: 'queue' },
      redirect: { name: 'queue' },
      children: [
        { path: 'queue', name: 'queue', component: () => import('./modules/queue/NoCase.vue') },
        { path: 'cases/:id', name: 'case', component: () => import('./modules/cases/CasePage.vue'), props: true },
      ],
    },
    { path: '/ledger', name: 'ledger', component: () => import('./modules/ledger/LedgerPage.vue'), meta: { nav: 'ledger' } },
    { path: '/exports', name: 'exports', component: () => import('./modules/exports/ExportsPage.vue'), meta: { nav: 'ledger' } },
    { path: '/calls', name: 'calls', component: () => import('./modules/calls/CallsPage.vue'), meta: { nav: 'calls' } },
    { path: '/cockpit', name: 'cockpit', component: () => import('./modules/cockpit/CockpitPage.vue'), meta: { nav: 'cockpit' } },
    { path: '/wall', name: 'wall', component: () => import('./modules/cockpit/CockpitPage.vue'), props: { wall: true }, meta: { nav: 'cockpit', alone: true } },
    { path: '/behind', name: 'behind', component: () => import('./modules/cockpit/BehindPage.vue'), meta: { nav: 'metrics' } },
    { path: '/unit', name: 'unit', component: () => import('./modules/unit/UnitPage.vue'), meta: { nav: 'unit' } },
    { path: '/metrics', name: 'metrics', component: () => import('./modules/metrics/MetricsPage.vue'), meta: { nav: 'metrics' } },
    { path: `/metrics/:view(${VIEWS.map((v) => v.view).join('|')})`, name: 'figures', component: () => import('./modules/metrics/SpecialPage.vue'), props: true, meta: { nav: 'metrics' } },
    { path: '/assessment', name: 'assessment', component: () => import('./modules/assessment/AssessmentPage.vue'), meta: { nav: 'assessment' } },
    { path: '/assessment/bulletin', name: 'bulletin', component: () => import('./modules/assessment/BulletinPage.vue'), meta: { nav: 'assessment' } },
    { path: '/reports/:token?', name: 'reports', component: () => import('./modules/assessment/ReportsPage.vue'), props: true, meta: { nav: 'assessment', anyone: true } },
    { path: '/exclusions', name: 'exclusions', component: () => import('./modules/exclusions/ExclusionsPage.vue'), meta: { nav: 'assessment' } },
    { path: '/assessment/:unit/:period', name: 'sheet', component: () => import('./modules/assessment/SheetPage.vue'), props: true, meta: { nav: 'assessment' } },
    { path: '/incidents', name: 'incidents', component: () => import('./modules/incidents/IncidentsPage.vue'), meta: { nav: 'incidents' } },
    { path: '/incidents/new', name: 'declare', component: () => import('./modules/incidents/DeclarePage.vue'), meta: { nav: 'incidents' } },
    { path: '/incidents/:id', name: 'incident', component: () => import('./modules/incidents/IncidentPage.vue'), props: true, meta: { nav: 'incidents' } },
    { path: '/cards', name: 'cards', component: () => import('./modules/cards/CardsPage.vue'), meta: { nav: 'cards' } },
    { path: '/systemic', name: 'systemic', component: () => import('./modules/systemic/SystemicPage.vue'), meta: { nav: 'systemic' } },
    { path: '/visits', name: 'visits', component: () => import('./modules/visits/VisitsPage.vue'), meta: { nav: 'visits' } },
    { path: '/points', name: 'points', component: () => import('./modules/points/HandOverPage.vue'), meta: { nav: 'points' } },
    { path: '/notices', name: 'notices', component: () => import('./modules/announcements/NoticesPage.vue'), meta: { nav: 'notices' } },
    { path: '/admin', component: () => import('./modules/admin/AdminFrame.vue'), meta: { nav: 'admin' }, children: adminRoutes },
    { path: '/inbox', name: 'inbox', component: () => import('./modules/inbox/InboxPage.vue'), meta: { nav: 'inbox' } },
    { path: '/:rest(.*)*', name: 'missing', component: () => import('./shell/MissingPage.vue') },
  ],
})

/** Where a person without a session goes; they come back to where they wanted to be. */
export function signInTo(next: string): RouteLocationRaw {
  return { name: 'sign-in', query: next === '/' || next === '/queue' ? {} : { next } }
}

router.beforeEach(async (to) => {
  if (me.value === undefined) await loadMe().catch(() => undefined)
  if (to.meta.bare) return true
  if (me.value?.user.kind !== 'STAFF') return signInTo(to.fullPath)
  const asked = NAV.find((n) => n.nav === to.meta.nav)
  return to.meta.anyone || !asked || offered(asked, can) || to.name === homeFor(can) ? true : { name: homeFor(can) }
})
