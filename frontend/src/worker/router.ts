// Moves between the pages of the field app: one flat table (routes.ts), no nesting. vue-router would be a fifth of what this app may
// load before it works; the desk, with its nested pages, uses it.
import { h, nextTick, shallowReactive, type Component, type FunctionalComponent } from 'vue'

const BASE = '/w'

/** One address: its pattern, whose named groups become the page's props, and its page, which comes when it is asked for. */
export interface Line {
  pattern: RegExp
  load: () => Promise<{ default: Component }>
  /** What the page is told besides. */
  props?: (to: URL) => Record<string, string>
  /** Reachable without a sign-in. */
  open?: boolean
  /** Which entry of the navigation is lit; without one the page is a detail with a way back. */
  tab?: 'tasks' | 'map' | 'inbox' | 'mine'
}

/** Where the app is. Before the first page has come there is no page. */
export interface Route extends Pick<Line, 'open' | 'tab'> {
  page?: Component
  props: Record<string, string | undefined>
  path: string
  query: Record<string, string | undefined>
  /** Path, query and fragment, below /w. */
  fullPath: string
}

/** Sends somewhere else before a page is shown; undefined lets it pass. */
type Guard = (to: URL, line: Line) => Promise<string | undefined>

export const route = shallowReactive<Route>({ props: {}, path: '/', query: {}, fullPath: '/' })

let table: readonly Line[] = []
let guard: Guard = async () => undefined
let turn = 0
/** Where each entry of the history was left, by its number. */
const left = new Map<number, [x: number, y: number]>()
let entry = 0

/** An address below /w, or "?query" of the page that is shown. */
const resolve = (to: string) => new URL(to, location.origin + route.path)
const below = (url: URL) => url.pathname + url.search + url.hash
const here = () => (location.pathname.slice(BASE.length) || '/') + location.search + location.hash

const numbered = () => (history.state as { entry?: number } | null)?.entry

/** The number of a new entry of the history; those that were in front of it are gone. */
function begin(): number {
  left.delete((entry += 1))
  return entry
}

async function show(to: string, how: 'push' | 'replace' | 'pop'): Promise<void> {
  const mine = ++turn
  const url = resolve(to)
  const line = table.find((l) => l.pattern.test(url.pathname))!
  const aside = await guard(url, line)
  if (mine !== turn) return // somebody went elsewhere meanwhile
  if (aside !== undefined) return show(aside, how === 'push' ? 'push' : 'replace')
  const { default: page } = await line.load()
  if (mine !== turn) return
  const fullPath = below(url)
  if (how === 'push' && route.page && fullPath === route.fullPath) return
  left.set(entry, [scrollX, scrollY])
  if (how === 'push') history.pushState({ back: route.fullPath, entry: begin() }, '', BASE + fullPath)
  else if (how === 'replace') history.replaceState({ ...history.state, entry }, '', BASE + fullPath)
  else if (numbered() !== undefined) entry = numbered()!
  else history.replaceState({ entry: begin() }, '') // a fragment, of the skip link say: the browser made an entry of its own
  const moved = url.pathname !== route.path
  Object.assign(route, { page, props: { ...line.pattern.exec(url.pathname)!.groups, ...line.props?.(url) }, path: url.pathname, query: Object.fromEntries(url.searchParams), fullPath, open: line.open, tab: line.tab } satisfies Route)
  await nextTick()
  const saved = how === 'pop' ? left.get(entry) : undefined
  if (saved || moved) scrollTo(...(saved ?? [0, 0]))
}

/** Each resolves when the page stands, and rejects when it could not be fetched. */
export const router = {
  push: (to: string) => show(to, 'push'),
  replace: (to: string) => show(to, 'replace'),
  back: () => history.back(),
}

/** The same address with members of its query changed; undefined takes one out. */
export function withQuery(change: Record<string, string | undefined>): string {
  const next = Object.entries({ ...route.query, ...change }).filter((e): e is [string, string] => e[1] !== undefined)
  return route.path + (next.length > 0 ? '?' + new URLSearchParams(next).toString() : '')
}

/** Shows the page of the address that the browser came with. */
export function startRouter(lines: readonly Line[], first: Guard): Promise<void> {
  table = lines
  guard = first
  history.scrollRestoration = 'manual'
  entry = numbered() ?? 0
  addEventListener('popstate', () => void show(here(), 'pop').catch(() => undefined)) // start.ts looks after pages that cannot be had
  return show(here(), 'replace')
}

/** A link inside this app: without a reload, but with everything a link can do (new tab, copy address). */
export const AppLink: FunctionalComponent<{ to: string }> = ({ to }, { slots }) => {
  const target = below(resolve(to))
  const onClick = (e: MouseEvent) => {
    if (e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return
    e.preventDefault()
    void router.push(target).catch(() => undefined)
  }
  return h('a', { href: BASE + target, onClick }, slots)
}
AppLink.props = ['to']
