import { expect, it } from 'vitest'
import { byLoad } from './person'

it('offers those on duty first, and of them whoever has the least to do', () => {
  const p = (name: string, on_duty: boolean, duties: number, calls = 0) => ({ name, on_duty, duties, calls })
  const all = [p('甲', false, 0), p('乙', true, 3), p('丙', true, 1, 1), p('丁', true, 2)]
  expect(byLoad(all).map((x) => x.name)).toEqual(['丁', '乙', '丙', '甲'])
  expect(all[0]!.name).toBe('甲')
})
