// The rooms of the administration, who may enter them, and their addresses.
import type { RouteRecordRaw } from 'vue-router'

export interface Section {
  /** Key of its words (nav.…) and last part of its address. */
  name: string
  permission: string
  group: 'who' | 'what' | 'how' | 'watch'
}

export const SECTIONS: Section[] = [
  { name: 'units', permission: 'admin', group: 'who' },
  { name: 'users', permission: 'admin', group: 'who' },
  { name: 'rosters', permission: 'admin', group: 'who' },
  { name: 'calendars', permission: 'admin', group: 'who' },
  { name: 'grids', permission: 'admin', group: 'what' },
  { name: 'catalog', permission: 'admin', group: 'what' },
  { name: 'components', permission: 'admin', group: 'what' },
  { name: 'devices', permission: 'admin', group: 'what' },
  { name: 'place_codes', permission: 'admin', group: 'what' },
  { name: 'rules', permission: 'admin', group: 'how' },
  { name: 'precedents', permission: 'admin', group: 'how' },
  { name: 'requests', permission: 'catalog.agree', group: 'how' },
  { name: 'rewards', permission: 'admin', group: 'how' },
  { name: 'risk', permission: 'admin', group: 'how' },
  { name: 'messages', permission: 'admin', group: 'how' },
  { name: 'providers', permission: 'admin', group: 'how' },
  { name: 'partners', permission: 'admin', group: 'how' },
  { name: 'ops', permission: 'admin', group: 'watch' },
  { name: 'reports', permission: 'report.schedule', group: 'watch' },
  { name: 'audit', permission: 'audit.read', group: 'watch' },
]
export const GROUPS = ['who', 'what', 'how', 'watch'] as const

const things = ['units', 'users', 'components', 'devices', 'place_codes']

/** Children of /admin. */
export const adminRoutes: RouteRecordRaw[] = [
  { path: '', name: 'admin', component: () => import('./FirstSteps.vue') },
  ...things.map((name): RouteRecordRaw => ({ path: name, name: `admin-${name}`, component: () => import('./things/ThingsPage.vue'), props: { name } })),
  { path: 'rosters/:unit?', name: 'admin-rosters', component: () => import('./RostersPage.vue'), props: true },
  { path: 'calendars', name: 'admin-calendars', component: () => import('./CalendarPage.vue') },
  { path: 'audit', name: 'admin-audit', component: () => import('./AuditPage.vue') },
  { path: 'grids', name: 'admin-grids', component: () => import('../grids/GridsPage.vue') },
  { path: 'catalog', name: 'admin-catalog', component: () => import('../catalogue/CataloguePage.vue') },
  { path: 'catalog/coverage', name: 'admin-coverage', component: () => import('../catalogue/CoveragePage.vue') },
  { path: 'catalog/code_map', name: 'admin-code-map', component: () => import('../catalogue/CodeMapPage.vue') },
  { path: 'requests', name: 'admin-requests', component: () => import('../catalogue/RequestsPage.vue') },
  { path: 'rules', name: 'admin-rules', component: () => import('../rules/RuleSetsPage.vue') },
  { path: 'rules/:version(\\d+)', name: 'admin-rule-set', component: () => import('../rules/RuleSetPage.vue'), props: (to) => ({ version: Number(to.params.version) }) },
  { path: 'precedents', name: 'admin-precedents', component: () => import('../rules/PrecedentsPage.vue') },
  { path: 'messages', name: 'admin-messages', component: () => import('../notices/MessagesPage.vue') },
  { path: 'providers', name: 'admin-providers', component: () => import('../notices/ProvidersPage.vue') },
  { path: 'partners', name: 'admin-partners', component: () => import('../partners/PartnersPage.vue') },
  { path: 'rewards', name: 'admin-rewards', component: () => import('../points/RewardsPage.vue') },
  { path: 'risk', name: 'admin-risk', component: () => import('./RiskStepsPage.vue') },
  { path: 'reports', name: 'admin-reports', component: () => import('../assessment/ReportsPage.vue') },
  { path: 'ops', name: 'admin-ops', component: () => import('../ops/OpsPage.vue') },
]
