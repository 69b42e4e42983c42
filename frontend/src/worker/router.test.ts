import { flushPromises } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { defineComponent } from 'vue'
import { route, router, startRouter, withQuery, type Line } from './router'

const page = (name: string) => defineComponent({ name, render: () => name })
const Tasks = page('tasks')
const Case = page('case')
const SignIn = page('sign-in')
let slow: ((page: { default: typeof Case }) => void) | undefined
const lines: Line[] = [
  { pattern: /^\/$/, load: async () => ({ default: Tasks }), tab: 'tasks' },
  { pattern: /^\/case\/(?<id>[^/]+)$/, load: async () => ({ default: Case }) },
  { pattern: /^\/slow$/, load: () => new Promise((go) => (slow = go)) },
  { pattern: /^\/broken$/, load: () => Promise.reject(new TypeError('no network')) },
  { pattern: /^\/sign-in$/, load: async () => ({ default: SignIn }), props: (to) => ({ ticket: to.hash.slice(1) }), open: true },
]
let signedIn = true
const guard = async (to: URL, line: Line) => (line.open || signedIn ? undefined : '/sign-in?back=' + to.pathname)
const scrolled = vi.fn()
let begun = false
beforeEach(async () => {
  vi.stubGlobal('scrollTo', scrolled)
  signedIn = true
  if (begun) await router.replace('/')
  else {
    history.replaceState(null, '', '/w/')
    await startRouter(lines, guard)
    begun = true
  }
  scrolled.mockClear()
})
afterEach(() => vi.unstubAllGlobals())

describe('the router of the field', () => {
  it('shows the page of an address and what it names', async () => {
    await router.push('/case/7?do=ack')
    expect([route.page, route.props, route.query, location.pathname + location.search]).toEqual([Case, { id: '7' }, { do: 'ack' }, '/w/case/7?do=ack'])
    expect(scrolled).toHaveBeenCalledWith(0, 0)
  })

  it('stays at the place of a page whose query changes, and knows where it came from', async () => {
    await router.push('/case/7')
    scrolled.mockClear()
    await router.push('?do=ack')
    expect([route.fullPath, history.state.back]).toEqual(['/case/7?do=ack', '/case/7'])
    expect(scrolled).not.toHaveBeenCalled()
    expect(withQuery({ f: 'call', do: undefined })).toBe('/case/7?f=call')
    await router.replace(route.path)
    expect([route.fullPath, history.state.back]).toEqual(['/case/7', '/case/7'])
  })

  it('goes back to the place where a page was left', async () => {
    await router.push('/case/7')
    const state = { ...(history.state as object) }
    vi.stubGlobal('scrollY', 640)
    await router.push('/case/8')
    history.replaceState(state, '', '/w/case/7') // what the browser does before it says so
    dispatchEvent(new PopStateEvent('popstate'))
    await flushPromises()
    expect(route.fullPath).toBe('/case/7')
    expect(scrolled).toHaveBeenLastCalledWith(0, 640)
  })

  it('stays where it is when the skip link adds a fragment', async () => {
    await router.push('/case/7')
    const at = (history.state as { entry: number }).entry
    scrolled.mockClear()
    history.pushState(null, '', '/w/case/7#main') // what the browser does with such a link
    dispatchEvent(new PopStateEvent('popstate'))
    await flushPromises()
    expect([route.page, route.path, (history.state as { entry: number }).entry]).toEqual([Case, '/case/7', at + 1])
    expect(scrolled).not.toHaveBeenCalled()
  })

  it('adds nothing to the history for the page that is shown', async () => {
    const before = history.length
    await router.push('/')
    expect(history.length).toBe(before)
  })

  it('leads aside who may not see the page', async () => {
    signedIn = false
    await router.push('/case/7')
    expect([route.page, route.open, route.fullPath]).toEqual([SignIn, true, '/sign-in?back=/case/7'])
    await router.push('/sign-in#T-1')
    expect(route.props).toEqual({ ticket: 'T-1' })
  })

  it('shows the last of two that were asked for, whichever comes first', async () => {
    const first = router.push('/slow')
    await flushPromises()
    await router.push('/case/9')
    slow!({ default: Tasks })
    await first
    expect([route.page, location.pathname]).toEqual([Case, '/w/case/9'])
  })

  it('stays where it is when a page cannot be fetched', async () => {
    await expect(router.push('/broken')).rejects.toThrow('no network')
    expect([route.page, location.pathname]).toEqual([Tasks, '/w/'])
  })
})
