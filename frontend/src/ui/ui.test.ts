import { mount } from '@vue/test-utils'
import { defineComponent, h, nextTick, ref } from 'vue'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Photo, Photos } from '@/shared/photo/usePhotos'
import AppToast from './AppToast.vue'
import CaseSteps from './CaseSteps.vue'
import CountRing from './CountRing.vue'
import ErrorSummary from './ErrorSummary.vue'
import FormField from './FormField.vue'
import PhotoGrid from './PhotoGrid.vue'
import RateFaces from './RateFaces.vue'
import { toast } from './toast'

afterEach(() => {
  document.body.innerHTML = ''
  document.title = ''
})

describe('ErrorSummary', () => {
  it('takes the focus, marks the title and leads to the control', async () => {
    document.title = '随手拍'
    const Page = defineComponent({ props: { errors: { type: Array, default: () => [] } }, setup: (p) => () => [h(ErrorSummary, { errors: p.errors as never }), h('label', { for: 'phone' }, '手机号'), h('input', { id: 'phone' })] })
    const page = mount(Page, { attachTo: document.body })
    expect(page.find('[role=alert]').exists()).toBe(false)
    await page.setProps({ errors: [{ field: 'phone', text: '请输入手机号' }, { text: '稍后再试' }] })
    await nextTick()
    expect(document.activeElement).toBe(page.find('[role=alert]').element)
    expect(document.title).toBe('错误：随手拍')
    await page.find('a').trigger('click')
    expect(document.activeElement?.id).toBe('phone')
    await page.setProps({ errors: [] })
    expect(document.title).toBe('随手拍')
    page.unmount()
  })

  it('leaves the title of the page that comes next alone', () => {
    document.title = '日历'
    const page = mount(ErrorSummary, { props: { errors: [{ text: '稍后再试' }] } })
    expect(document.title).toBe('错误：日历')
    document.title = '花名册'
    page.unmount()
    expect(document.title).toBe('花名册')
  })
})

describe('FormField', () => {
  it('ties label, hint and error to the control', () => {
    const field = mount(FormField, { props: { label: '手机号', hint: '11 位', error: '不对', id: 'p' }, slots: { default: (f: Record<string, unknown>) => h('input', f) } })
    const input = field.find('input')
    expect(field.find('label').attributes('for')).toBe('p')
    expect(input.attributes()).toMatchObject({ id: 'p', 'aria-invalid': 'true', 'aria-describedby': 'p-hint p-error' })
  })
})

describe('CountRing', () => {
  it('says the time left in words and never announces each second', () => {
    const ring = mount(CountRing, { props: { due: new Date(Date.now() + 5.5 * 60_000).toISOString(), label: '应答' } })
    expect(ring.attributes('role')).toBe('timer')
    expect(ring.attributes('aria-label')).toBe('应答 剩 5 分')
    expect(ring.attributes('aria-live')).toBeUndefined()
    ring.unmount()
  })
  it('turns red and counts up once overdue', () => {
    const ring = mount(CountRing, { props: { due: new Date(Date.now() - 190_000).toISOString(), label: '应答' } })
    expect(ring.classes()).toContain('red')
    expect(ring.text()).toMatch(/^\+03:1\d/)
    ring.unmount()
  })
})

describe('CaseSteps', () => {
  it('says the state of a step in words, not by colour alone', () => {
    const steps = mount(CaseSteps, { props: { steps: [{ label: '已收到', state: 'done', at: '今天 09:02' }, { label: '处理中', state: 'now' }, { label: '待核查', state: 'next' }] } })
    expect(steps.findAll('li').map((l) => l.text())).toEqual(['已收到（已完成）今天 09:02', '处理中（当前）', '待核查（未开始）'])
    expect(steps.find('[aria-current=step]').text()).toContain('处理中')
  })
})

describe('RateFaces', () => {
  it('offers 满意, 基本满意, 不满意 as 5, 3, 1', async () => {
    const faces = mount(RateFaces)
    for (const b of faces.findAll('button')) await b.trigger('click')
    expect(faces.emitted('pick')).toEqual([[5], [3], [1]])
  })
})

describe('toast', () => {
  it('offers its action once', async () => {
    const host = mount(AppToast)
    const undo = vi.fn()
    toast('已呼叫 2 个单位', { action: { label: '撤销', run: undo } })
    await nextTick()
    await host.find('button').trigger('click')
    expect(undo).toHaveBeenCalledTimes(1)
    expect(host.find('button').exists()).toBe(false)
  })
  it('is not closed by the dismissal of an older one', async () => {
    const host = mount(AppToast)
    const dismiss = toast('一')
    toast('二')
    dismiss()
    await nextTick()
    expect(host.text()).toBe('二')
  })
})

describe('PhotoGrid', () => {
  function model(photos: Partial<Photo>[]): Photos {
    return { photos, max: 2, leftOut: ref(0), add: vi.fn(), remove: vi.fn(), retry: vi.fn() } as unknown as Photos
  }
  it('lets the draft be saved before the chooser opens', async () => {
    const grid = mount(PhotoGrid, { props: { model: model([]) } })
    await grid.find('input').trigger('click')
    expect(grid.emitted('before-pick')).toHaveLength(1)
  })
  it('names what each button does and stops at the limit', () => {
    const grid = mount(PhotoGrid, { props: { model: model([{ key: 'a', url: 'blob:a', state: 'done' }, { key: 'b', url: '', state: 'failed' }]) } })
    expect(grid.find('img').attributes('alt')).toBe('第 1 张照片')
    expect(grid.findAll('button').map((b) => b.attributes('aria-label') ?? b.text())).toEqual(['删除第 1 张照片', '失败，点此重试', '删除第 2 张照片'])
    expect(grid.find('input').exists()).toBe(false)
  })
  it('does not offer to retry what can never succeed', () => {
    const grid = mount(PhotoGrid, { props: { model: model([{ key: 'a', url: '', state: 'failed', hopeless: true, error: '不是照片' }]) } })
    expect(grid.find('.tile').text()).toBe('不是照片')
  })
})
