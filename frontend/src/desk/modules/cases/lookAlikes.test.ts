import { expect, it } from 'vitest'
import type { CaseRow } from '../queue/merge'
import { byDistance, obvious } from './lookAlikes'

const at = (id: string, metresNorth?: number) => ({ id, point: metresNorth === undefined ? undefined : { lon: 119.3, lat: 26.08 + metresNorth / 111_195, datum: 'WGS84' } }) as CaseRow
const here = at('me', 0)

it('puts the nearest first, the placeless last, and never the case itself', () => {
  const list = byDistance([at('far', 900), at('nowhere'), here, at('near', 40)], here)
  expect(list.map((a) => a.row.id)).toEqual(['near', 'far', 'nowhere'])
  expect(list[0]!.away).toBeCloseTo(40, 0)
})

it('proposes the only one close by, and nothing where there is doubt', () => {
  expect(obvious(byDistance([at('near', 40), at('far', 900)], here))?.row.id).toBe('near')
  expect(obvious(byDistance([at('near', 40), at('also', 60)], here))).toBeUndefined()
  expect(obvious(byDistance([at('far', 900), at('nowhere')], here))).toBeUndefined()
})
