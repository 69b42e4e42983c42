import { mount } from '@vue/test-utils'
import { afterEach, expect, it, vi } from 'vitest'
import { defineComponent, h } from 'vue'
import { useShortcuts } from './useShortcuts'

const press = (key: string, target: EventTarget = document.body, more: KeyboardEventInit = {}) => {
  const e = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more })
  target.dispatchEvent(e)
  return e.defaultPrevented
}
const page = (keys: Record<string, () => void | boolean>) =>
  mount(defineComponent({ setup() { useShortcuts(keys); return () => h('div', [h('input'), h('button')]) } }), { attachTo: document.body })

afterEach(() => document.querySelectorAll('dialog').forEach((d) => d.remove()))

it('acts on plain keys only, and not while typing or in a dialog', () => {
  const j = vi.fn()
  const w = page({ j })
  expect(press('j')).toBe(true)
  press('j', w.find('button').element)
  expect(j).toHaveBeenCalledTimes(2)
  press('j', w.find('input').element)
  press('j', document.body, { ctrlKey: true })
  const dialog = document.createElement('dialog')
  dialog.setAttribute('open', '')
  document.body.append(dialog)
  press('j')
  expect(j).toHaveBeenCalledTimes(2)
  w.unmount()
})

it('lets a key pass that had nothing to do, and forgets all when the page goes', () => {
  const d = vi.fn(() => false as const)
  const w = page({ d })
  expect(press('d')).toBe(false)
  w.unmount()
  press('d')
  expect(d).toHaveBeenCalledTimes(1)
})
