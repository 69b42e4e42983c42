import { expect, it } from 'vitest'
import { uuid } from './uuid'

it('makes version 4 UUIDs that differ', () => {
  const many = Array.from({ length: 200 }, uuid)
  for (const id of many) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(new Set(many).size).toBe(200)
})
