import { expect, it } from 'vitest'
import { changedRules, linesOf, readCondition, toSend, whenOf, type Condition, type Rule } from './rule'

const when: Condition = { op: 'all', of: [{ op: 'eq', var: 'matter', value: '01037' }, { op: 'in', var: 'land_use', value: ['道路', '广场'] }, { op: 'not', of: [{ op: 'exists', var: 'component' }] }, { op: 'gte', var: 'level', value: 2 }] }

it('turns a plain list into lines and back without loss', () => {
  expect(whenOf(linesOf(when)!)).toEqual(when)
  expect(linesOf({ op: 'eq', var: 'matter', value: '06010' })).toEqual([{ op: 'eq', var: 'matter', text: '06010', not: false }])
  expect(whenOf([{ op: 'time_in', var: '', text: '22、6', not: false }])).toEqual({ op: 'all', of: [{ op: 'time_in', value: [22, 6] }] })
})

it('leaves what it has no row for to the JSON field', () => {
  expect(linesOf({ op: 'any', of: [when] })).toBeUndefined()
  expect(linesOf({ op: 'all', of: [{ op: 'geo_within', value: { lon: 119, lat: 26, m: 50 } }] })).toBeUndefined()
})

it('reads as a sentence', () => {
  const words = { and: ' 且 ', or: ' 或 ', not: '非 ', always: '总是', name: (v: string) => v, op: (o: string) => (o === 'eq' ? '=' : o) }
  expect(readCondition(when, words)).toBe('matter = 01037 且 land_use in 道路、广场 且 非 component exists 且 level gte 2')
  expect(readCondition({ op: 'all', of: [] }, words)).toBe('总是')
  expect(readCondition({ op: 'in', var: 'source', value: ['DEVICE', 'VIDEO'] }, { ...words, value: (name, v) => `${name}:${v}` })).toBe('source in source:DEVICE、source:VIDEO')
})

const rule = (id: string, more: Partial<Rule> = {}): Rule => ({ id, title: id, status: 'ACTIVE', priority: 0, when, then: { lead: 'unit:D-CG' }, ...more })

it('sends no member that the server only answers', () => {
  expect(toSend(rule('R1', { rank: 3, as_cel: 'x', source: 'MANUAL', version: 1 } as Partial<Rule>))).toEqual({ title: 'R1', status: 'ACTIVE', priority: 0, when, then: { lead: 'unit:D-CG' } })
})

it('finds what was added, removed and changed, whatever the order of members', () => {
  const a = [rule('R1'), rule('R2'), rule('R3')]
  const b = [{ then: { lead: 'unit:D-CG' }, when, priority: 0, status: 'ACTIVE', title: 'R1', id: 'R1' } as Rule, rule('R2', { title: '新' }), rule('R4')]
  expect(changedRules(a, b).map((c) => `${c.id} ${c.kind}`)).toEqual(['R2 changed', 'R3 removed', 'R4 added'])
})
