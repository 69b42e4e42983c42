import { expect, it } from 'vitest'
import { differences, shown } from './diff'

it('tells only what differs, and nothing about the counter of versions', () => {
  expect(differences({ name: '城管局', version: 1, posts: ['执法'] }, { name: '城管局', version: 2, posts: ['执法', '市容'] })).toEqual([{ name: 'posts', from: '执法', to: '执法、市容' }])
  expect(differences(undefined, { name: '新' })).toEqual([{ name: 'name', from: '—', to: '新' }])
  expect(differences({ name: '旧' }, null)).toEqual([{ name: 'name', from: '旧', to: '—' }])
})

it('writes values on one line', () => {
  expect(shown(true)).toBe('✓')
  expect(shown([])).toBe('—')
  expect(shown([{ role: 'DISPATCHER' }])).toBe('{"role":"DISPATCHER"}')
})
