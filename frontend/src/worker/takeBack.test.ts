import { describe, expect, it } from 'vitest'
import { toValues } from './takeBack'
import { toBody, type Field } from './values'

describe('a refused write back in its form', () => {
  it('comes out as the same body again', () => {
    const fields: Field[] = [
      { name: 'measures', type: 'longtext', required: true },
      { name: 'accepted_at', type: 'time', required: true },
      { name: 'participants', type: 'texts', required: true },
      { name: 'tasks', type: 'tasks', required: false },
      { name: 'point', type: 'point', required: false },
      { name: 'remote_allowed', type: 'bool', required: false },
    ]
    const body = { measures: '已修复', accepted_at: '2026-06-08T09:00:00+08:00', participants: ['甲', '乙'], tasks: [{ unit: 'D-CG', text: '清理', budget: '3WD' }], point: { lon: 119.3, lat: 26.08, datum: 'WGS84', accuracy_m: 12 }, remote_allowed: true, note: '夜里' }
    expect(toBody(fields, toValues({ ...body, version: 7 }))).toEqual(body)
  })
})
