// What a district has of all that it needs, by asking the lists themselves: no figure here is kept anywhere else.
import { api, unwrap, type Schemas } from '@/shared/api/client'

export type StepName = 'grids' | 'units' | 'users' | 'rosters' | 'catalog' | 'rules' | 'coverage' | 'channels' | 'two'

export interface Step {
  name: StepName
  ok: boolean
  /** Numbers for the line that says what is there now. */
  figures: Record<string, string | number>
  /** Name of the route that mends it. */
  to: string
}

const MANY = 200
const upTo = (n: number) => (n >= MANY ? `${MANY}+` : n)

export async function readiness(): Promise<Step[]> {
  const [grids, units, users, admins, rosters, catalog, rules, coverage, channels] = await Promise.all([
    unwrap(api.GET('/admin/grids', { params: { query: { level: 'grid', limit: MANY } } })),
    unwrap(api.GET('/admin/units', { params: { query: { limit: MANY, retired: false } } })),
    unwrap(api.GET('/admin/users', { params: { query: { limit: MANY, disabled: false } } })),
    unwrap(api.GET('/admin/users', { params: { query: { role: 'TENANT_ADMIN', disabled: false } } })),
    unwrap(api.GET('/admin/rosters', { params: { query: { limit: MANY } } })),
    unwrap(api.GET('/admin/catalog', { params: { query: { limit: MANY } } })),
    unwrap(api.GET('/admin/rules', { params: { query: { limit: 1 } } })),
    unwrap(api.GET('/admin/catalog/coverage', { params: { query: { limit: 1 } } })) as Promise<Schemas['CatalogCoverage']>,
    unwrap(api.GET('/admin/channels')),
  ])
  const entered = users.items.filter((u) => u.has_password).length
  const streets = units.items.filter((u) => u.kind === 'STREET').length
  const departments = units.items.filter((u) => u.kind === 'DEPARTMENT').length
  const sms = channels.items.filter((c) => c.channel === 'SMS' && c.active).length
  const open = coverage.gaps
  return [
    { name: 'grids', ok: grids.items.length > 0, figures: { n: upTo(grids.items.length) }, to: 'admin-grids' },
    { name: 'units', ok: streets > 0 && departments > 0, figures: { n: upTo(units.items.length), streets, departments }, to: 'admin-units' },
    { name: 'users', ok: users.items.length > 0 && entered > 0, figures: { n: upTo(users.items.length), entered: upTo(entered) }, to: 'admin-users' },
    { name: 'two', ok: admins.items.length > 1, figures: { n: admins.items.length }, to: 'admin-users' },
    { name: 'rosters', ok: rosters.items.length > 0, figures: { n: upTo(rosters.items.length) }, to: 'admin-rosters' },
    { name: 'catalog', ok: catalog.items.length > 0, figures: { n: upTo(catalog.items.length) }, to: 'admin-catalog' },
    { name: 'rules', ok: !!rules.in_force, figures: { n: rules.in_force ?? 0 }, to: 'admin-rules' },
    { name: 'coverage', ok: open.UNIT === 0 && open.RULE === 0, figures: { covered: coverage.covered, pairs: coverage.pairs, rule: open.RULE, unit: open.UNIT }, to: 'admin-coverage' },
    { name: 'channels', ok: sms > 0, figures: { n: channels.items.length, sms }, to: 'admin-providers' },
  ]
}
