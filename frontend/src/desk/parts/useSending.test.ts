import { expect, it, vi } from 'vitest'
import { ApiError } from '@/shared/api/problem'
import { useSending } from './useSending'

it('sends once however often it is pressed', async () => {
  const form = useSending()
  let n = 0
  let finish = () => {}
  const work = () => new Promise<void>((done) => ((n += 1), (finish = done)))
  const first = form.send(work)
  expect(form.busy.value).toBe(true)
  expect(form.ready()).toBe(false)
  expect(await form.send(work)).toBe(false)
  finish()
  expect(await first).toBe(true)
  expect([n, form.busy.value]).toEqual([1, false])
})

it('leads a refusal to the control that holds it, and lets the page say it otherwise', async () => {
  const form = useSending({ '': 'a-name', '/text': 'a-text' })
  const no = new ApiError(422, 'INVALID', '输入有误', [{ pointer: '/text', detail: '太长' }])
  expect(await form.send(() => Promise.reject(no))).toBe(false)
  expect(form.errors.value).toEqual([{ field: 'a-text', text: '太长' }])
  expect(form.errorOf('a-text')).toBe('太长')
  let seen = 0
  await form.send(() => Promise.reject(new ApiError(409, 'STALE', '已变化')), (e) => void (seen = e.status))
  expect([seen, form.errors.value]).toEqual([409, [{ field: 'a-name', text: '已变化' }]])
  await form.send(() => Promise.reject(no), () => [{ text: '另一句话' }])
  expect(form.errors.value).toEqual([{ text: '另一句话' }])
  expect(form.ready([{ text: '还没填' }])).toBe(false)
  expect(form.ready()).toBe(true)
  expect(form.errors.value).toEqual([])
})

it('asks a form with rows which control is meant, and waits for what is looked up about a refusal', async () => {
  const form = useSending((pointer) => /^\/rows\/\d+/.exec(pointer)?.[0].slice(1).replace('/', '-'))
  const no = (...pointers: string[]) => new ApiError(422, 'INVALID', '输入有误', pointers.map((pointer) => ({ pointer, detail: '太长' })))
  await form.send(() => Promise.reject(no('/rows/3/name', '/version')))
  expect(form.errors.value).toEqual([{ field: 'rows-3', text: '太长' }, { field: undefined, text: '太长' }])
  await form.send(() => Promise.reject(no()))
  expect(form.errors.value).toEqual([{ field: undefined, text: '输入有误' }])
  let answer = (_who: string) => {}
  const sent = form.send(() => Promise.reject(no()), async () => [{ text: await new Promise<string>((done) => (answer = done)) }])
  await Promise.resolve()
  expect(form.busy.value).toBe(true)
  await vi.waitFor(() => (answer('王五刚改过'), expect(form.busy.value).toBe(false)))
  expect(await sent).toBe(false)
  expect(form.errors.value).toEqual([{ text: '王五刚改过' }])
})
