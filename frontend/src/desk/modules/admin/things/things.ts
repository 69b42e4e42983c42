// The things an administrator keeps in lists and files.
import { comma } from '@/shared/i18n'
import { list, str, type Thing } from './thing'

const UNIT_KINDS = ['CITY', 'DISTRICT_CENTER', 'STREET', 'COMMUNITY', 'DEPARTMENT', 'CITY_DEPARTMENT', 'UTILITY', 'PROPERTY', 'NGO'] as const
export const ROLES = [
  'GRID_WORKER', 'COMMUNITY_OFFICER', 'STREET_OFFICER', 'STREET_LEADER', 'STREET_SECRETARY', 'DEPT_OFFICER', 'DEPT_LEADER', 'UTILITY', 'PROPERTY', 'NGO',
  'DISPATCHER', 'ARBITRATOR', 'HOTLINE', 'CALLBACK', 'SUPERVISOR', 'COMMANDER', 'AUDITOR', 'TENANT_ADMIN', 'CITY_VIEWER',
] as const
const COMPONENT_STATES = ['INTACT', 'BROKEN', 'LOST', 'ABANDONED', 'REMOVED'] as const
const PLACE_KINDS = ['GRID', 'COMPONENT', 'SHOP', 'KIOSK'] as const

const gone = (r: Record<string, unknown>) => (r.disabled ? ('grey' as const) : ('green' as const))

interface Bound {
  role: string
  unit?: string
  grids?: string[]
}

export const THINGS: Thing[] = [
  {
    name: 'units', kind: 'unit', search: true, key: (r) => str(r.code), title: (r) => str(r.name),
    columns: [
      { name: 'code', text: (r) => str(r.code) },
      { name: 'name', text: (r) => str(r.name) },
      { name: 'kind', text: (r, w) => w.term('unitKind', str(r.kind)) },
      { name: 'line', text: (r) => str(r.line) },
      { name: 'parent', text: (r, w) => w.unit(str(r.parent)) },
      { name: 'area_code', text: (r) => str(r.area_code), num: true },
      { name: 'active', text: (r, w) => w.term('active', r.active ? 'yes' : 'retired'), tone: (r) => (r.active ? 'green' : 'grey') },
    ],
    filters: [{ name: 'kind', type: 'choice', options: UNIT_KINDS, words: 'unitKind' }, { name: 'under', type: 'unit' }, { name: 'retired', type: 'bool', words: 'retired' }],
    fields: [
      { name: 'code', type: 'text', required: true, once: true, max: 64, hint: 'hintUnitCode' },
      { name: 'name', type: 'text', required: true, max: 60 },
      { name: 'short_name', type: 'text', required: true, max: 20 },
      { name: 'kind', type: 'choice', required: true, options: UNIT_KINDS, words: 'unitKind' },
      { name: 'line', type: 'text', max: 40, hint: 'hintLine' },
      { name: 'parent', type: 'unit' },
      { name: 'area_code', type: 'text', max: 12, hint: 'hintArea' },
      { name: 'posts', type: 'lines', hint: 'hintPosts' },
    ],
    verbs: (r) => [r.active ? 'retire' : 'restore'],
  },
  {
    name: 'users', kind: 'user', search: true, key: (r) => str(r.username), title: (r) => str(r.display_name), within: 'user',
    columns: [
      { name: 'username', text: (r) => str(r.username) },
      { name: 'display_name', text: (r) => str(r.display_name) },
      { name: 'bindings', text: (r, w) => ((r.bindings ?? []) as Bound[]).map((b) => [w.term('role', b.role), b.unit && w.unit(b.unit), b.grids?.length ? w.term('count', 'grids').replace('{n}', String(b.grids.length)) : ''].filter(Boolean).join(' ')).join('；') },
      { name: 'phone', text: (r) => str(r.phone), num: true },
      { name: 'has_password', text: (r, w) => w.term('password', r.has_password ? 'yes' : 'no'), tone: (r) => (r.has_password ? 'green' : 'amber') },
      { name: 'active', text: (r, w) => w.term('active', r.disabled ? 'disabled' : 'yes'), tone: gone },
    ],
    filters: [{ name: 'role', type: 'choice', options: ROLES, words: 'role' }, { name: 'unit', type: 'unit' }, { name: 'grid', type: 'text' }, { name: 'disabled', type: 'bool', words: 'disabled' }],
    fields: [
      { name: 'username', type: 'text', required: true, once: true, max: 64 },
      { name: 'display_name', type: 'text', required: true, max: 40 },
      { name: 'phone', type: 'text', max: 20, hint: 'hintPhone' },
      { name: 'bindings', type: 'bindings', required: true },
      { name: 'mfa_required', type: 'bool' },
    ],
    verbs: (r) => (r.disabled ? ['enable'] : ['invite', 'disable']),
  },
  {
    name: 'components', kind: 'component', search: true, key: (r) => str(r.id), title: (r) => `${str(r.name)} ${str(r.id)}`,
    columns: [
      { name: 'component_id', text: (r) => str(r.id), num: true },
      { name: 'name', text: (r) => str(r.name) },
      { name: 'owner_unit', text: (r, w) => w.unit(str(r.owner_unit)) },
      { name: 'maintainer_unit', text: (r, w) => w.unit(str(r.maintainer_unit)) },
      { name: 'grid', text: (r) => str(r.grid), num: true },
      { name: 'address', text: (r) => str(r.address) },
      { name: 'status', text: (r, w) => w.term('component', str(r.status)), tone: (r) => (r.status === 'INTACT' ? 'green' : r.status === 'REMOVED' ? 'grey' : 'red') },
    ],
    filters: [{ name: 'status', type: 'choice', options: COMPONENT_STATES, words: 'component' }, { name: 'unit', type: 'unit' }, { name: 'item', type: 'text' }, { name: 'grid', type: 'text' }],
    fields: [
      { name: 'id', type: 'text', required: true, once: true, max: 17, hint: 'hintComponentId' },
      { name: 'name', type: 'text', required: true, max: 40 },
      { name: 'owner_unit', type: 'unit', required: true },
      { name: 'maintainer_unit', type: 'unit' },
      { name: 'point', type: 'point', required: true },
      { name: 'address', type: 'text', max: 100 },
      { name: 'status', type: 'choice', options: COMPONENT_STATES, words: 'component' },
    ],
    verbs: () => [],
  },
  {
    name: 'devices', kind: 'device', search: false, key: (r) => str(r.id), title: (r) => str(r.name) || str(r.id),
    columns: [
      { name: 'device_id', text: (r) => str(r.id) },
      { name: 'name', text: (r) => str(r.name) },
      { name: 'device_kind', text: (r) => str(r.kind) },
      { name: 'building', text: (r) => str(r.building) },
      { name: 'component', text: (r) => str(r.component), num: true },
      { name: 'has_key', text: (r, w) => (r.has_key ? w.when(str(r.key_at)) : w.term('key', 'no')) },
      { name: 'active', text: (r, w) => w.term('active', r.disabled ? 'disabled' : 'yes'), tone: gone },
    ],
    filters: [{ name: 'kind', type: 'text' }, { name: 'building', type: 'text' }, { name: 'component', type: 'text' }, { name: 'disabled', type: 'bool', words: 'disabled' }],
    fields: [
      { name: 'id', type: 'text', required: true, once: true, max: 64 },
      { name: 'kind', type: 'text', required: true, max: 40, hint: 'hintDeviceKind' },
      { name: 'name', type: 'text', max: 60 },
      { name: 'component', type: 'text', max: 17, hint: 'hintComponentId' },
      { name: 'building', type: 'text', max: 60 },
      { name: 'point', type: 'point', required: true },
    ],
    verbs: (r) => (r.disabled ? ['enable'] : ['key', 'disable']),
    within: 'device',
  },
  {
    name: 'place_codes', kind: 'place_code', search: true, key: (r) => str(r.token), title: (r) => `${str(r.name)} ${str(r.token)}`,
    columns: [
      { name: 'token', text: (r) => str(r.token) },
      { name: 'name', text: (r) => str(r.name) },
      { name: 'place_kind', text: (r, w) => w.term('placeKind', str(r.kind)) },
      { name: 'grid', text: (r) => str(r.grid), num: true },
      { name: 'address', text: (r) => str(r.address) },
      { name: 'reports', text: (r) => String(r.reports ?? 0), num: true },
      { name: 'active', text: (r, w) => w.term('active', r.disabled ? 'disabled' : 'yes'), tone: gone },
    ],
    filters: [{ name: 'kind', type: 'choice', options: PLACE_KINDS, words: 'placeKind' }, { name: 'area', type: 'text' }, { name: 'disabled', type: 'bool', words: 'disabled' }],
    fields: [
      { name: 'kind', type: 'choice', required: true, options: PLACE_KINDS, words: 'placeKind' },
      { name: 'name', type: 'text', max: 60 },
      { name: 'grid', type: 'text', max: 15, hint: 'hintPlaceGrid' },
      { name: 'component', type: 'text', max: 17, hint: 'hintPlaceComponent' },
      { name: 'address', type: 'text', max: 100 },
      { name: 'point', type: 'point' },
    ],
    verbs: (r) => [r.disabled ? 'enable' : 'disable'],
  },
]

export const thingOf = (name: string) => THINGS.find((x) => x.name === name)
/** Grid codes of a binding, typed as a list. */
export const splitCodes = (text: string): string[] => text.split(/[\s,，、;；]+/).filter(Boolean)
export const joinCodes = (codes: unknown): string => list(codes).join(comma())
