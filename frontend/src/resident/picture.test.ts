import { mount } from '@vue/test-utils'
import { describe, expect, it, vi } from 'vitest'
import App from './App.vue'
import { picture } from './picture'
import { firstPage } from './shell'

describe('the picture of the first page', () => {
  it('names, links, sends and holds nothing', () => {
    const drawn = picture('<main id="main"><!--[--><label class="a" for="x">A<input id="x" type="file" multiple></label><a href="/c" aria-label="B">C</a><textarea id="t" rows="3"></textarea><p style="">D</p></main>')
    expect(drawn).toBe('<div><label class="a">A</label><a>C</a><textarea tabindex="-1" readonly rows="3"></textarea><p>D</p></div>')
  })

  it('shows what the program draws', async () => {
    const shell = document.createElement('div')
    vi.stubEnv('SSR', true)
    shell.innerHTML = await firstPage()
    vi.unstubAllEnvs()
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('no network')))
    const app = mount(App, { attachTo: document.body })
    await expect.poll(() => app.find('#submit').exists()).toBe(true)
    const words = (e: Element) => e.textContent.replace(/\s+/g, '')
    for (const part of ['.top', 'h1', 'form > .card', '.submit', '.help']) expect(words(shell.querySelector(part)!), part).toBe(words(app.find(part).element))
    expect(shell.querySelectorAll('[id], [href], [name], input[type=file], button:not([tabindex="-1"])')).toHaveLength(0)
    app.unmount()
  })
})
