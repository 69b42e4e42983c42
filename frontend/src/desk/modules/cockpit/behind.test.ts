import { expect, it } from 'vitest'
import { behindQuery, change, rankBy, type Figures } from './behind'

it('turns the path of a figure into the address of its list', () => {
  expect(behindQuery('/api/v1/metrics/behind?figure=open&by=street&key=350102004&bad=1')).toEqual({ figure: 'open', by: 'street', key: '350102004' })
  expect(behindQuery('/api/v1/metrics/behind?by=street')).toBeUndefined()
  expect(behindQuery(undefined)).toBeUndefined()
})

const row = (key: string, value: number | null, denominator: number): Figures => ({ key, name: key, received: 0, closed: 0, on_time_disposal: { numerator: 0, denominator, value: value as number } })

it('ranks what has a sample, shares ranks, and leaves the others unranked at the end', () => {
  const list = rankBy([row('a', 0.9, 10), row('small', 1, 3), row('b', 0.95, 20), row('c', 0.9, 40), row('none', null, 0)], 'on_time_disposal')
  expect(list.map((x) => `${x.row.key} ${x.rank ?? '-'}`)).toEqual(['b 1', 'c 2', 'a 2', 'small -'])
})

it('compares only two ratios', () => {
  expect(change({ numerator: 96, denominator: 100, value: 0.96 }, { numerator: 95, denominator: 100, value: 0.95 })).toBe(1)
  expect(change({ numerator: 0, denominator: 0 }, { numerator: 95, denominator: 100, value: 0.95 })).toBeUndefined()
})
