import { mount } from '@vue/test-utils'
import { expect, it } from 'vitest'
import { nextTick } from 'vue'
import ComboBox from './ComboBox.vue'
import { searchUnits, type Unit } from './useUnits'

const options = [{ code: 'a', name: '区城管局' }, { code: 'b', name: '区建设局' }]

function make() {
  let value: { code: string; name: string } | undefined
  const w = mount(ComboBox, { props: { id: 'u', options, modelValue: undefined, 'onUpdate:modelValue': (v: unknown) => { value = v as typeof value; void w.setProps({ modelValue: value }) } } as never, attachTo: document.body })
  return { w, value: () => value }
}

it('is worked by the keyboard alone', async () => {
  const { w, value } = make()
  const input = w.find('input')
  await input.trigger('focus')
  expect(input.attributes('aria-expanded')).toBe('true')
  await input.trigger('keydown', { key: 'ArrowDown' })
  await input.trigger('keydown', { key: 'ArrowDown' })
  expect(input.attributes('aria-activedescendant')).toBe(w.findAll('[role=option]')[1]!.attributes('id'))
  await input.trigger('keydown', { key: 'Enter' })
  expect(value()).toEqual(options[1])
  expect(input.element.value).toBe('区建设局')
  expect(input.attributes('aria-expanded')).toBe('false')
  w.unmount()
})

it('keeps the chosen line when the search answers again, and lets no form go off with half a choice', async () => {
  const { w, value } = make()
  const input = w.find('input')
  await input.trigger('focus')
  await input.trigger('keydown', { key: 'ArrowDown' })
  await input.trigger('keydown', { key: 'ArrowDown' })
  await w.setProps({ options: [options[1]!, { code: 'c', name: '区水务局' }] } as never)
  expect(input.attributes('aria-activedescendant')).toBe(w.findAll('[role=option]')[0]!.attributes('id'))
  await w.setProps({ options } as never)
  await w.setProps({ options: [options[0]!, { code: 'c', name: '区水务局' }] } as never)
  expect(input.attributes('aria-activedescendant')).toBeUndefined()
  const enter = new KeyboardEvent('keydown', { key: 'Enter', cancelable: true })
  input.element.dispatchEvent(enter)
  await nextTick()
  expect([enter.defaultPrevented, value()]).toEqual([true, undefined])
  await input.trigger('keydown', { key: 'Enter' }) // the first one stood out: now it is taken
  expect(value()?.code).toBe('a')
  w.unmount()
})

it('takes the choice back when the words change, and keeps no words that name nothing', async () => {
  const { w, value } = make()
  const input = w.find('input')
  await input.trigger('focus')
  await w.findAll('[role=option]')[0]!.trigger('click')
  expect(value()?.code).toBe('a')
  await input.setValue('区')
  await nextTick()
  expect(value()).toBeUndefined()
  expect(input.element.value).toBe('区')
  await input.trigger('blur')
  expect(input.element.value).toBe('')
  w.unmount()
})

it('finds units by name, short name or code, names that begin so first', () => {
  const u = (code: string, name: string, short_name = name): Unit => ({ code, name, short_name, kind: 'DEPARTMENT' })
  const all = [u('D-JS', '鼓楼区建设局', '区建设局'), u('X', '建设银行'), u('D-CG', '鼓楼区城市管理局', '区城管局')]
  expect(searchUnits(all, '建设').map((x) => x.code)).toEqual(['X', 'D-JS'])
  expect(searchUnits(all, 'd-cg').map((x) => x.code)).toEqual(['D-CG'])
  expect(searchUnits(all, ' ')).toHaveLength(3)
})
