import { describe, expect, test } from 'vitest'
import { checkExclusion, exclusionBody, type Asked } from './exclusion'

const whole: Asked = { whole: true, reason: 'EX1', scope: 'ALL', legal: '', text: '台风红色预警期间' }

describe('an exclusion', () => {
  test('says what is missing, each at its control', () => {
    expect(checkExclusion({ ...whole, reason: '', text: '台风' }).map((e) => e.field)).toEqual(['ex-reason', 'ex-text'])
    expect(checkExclusion({ ...whole, reason: 'EX2', scope: 'RATING' }).map((e) => e.field)).toEqual(['ex-scope', 'ex-legal'])
    expect(checkExclusion(whole)).toEqual([])
  })
  test('names one line only when one was meant, and a legal limit only for a legal procedure, by the wall clock of the district', () => {
    expect(exclusionBody({ ...whole, legal: '2026-07-01T17:30' }, 'c', 's')).toEqual({ case_id: 'c', reason: 'EX1', scope: 'ALL', text: '台风红色预警期间' })
    expect(exclusionBody({ ...whole, whole: false, reason: 'EX2', scope: 'TIMELINESS', legal: '2026-07-01T17:30' }, 'c', 's')).toMatchObject({ subject_id: 's', legal_due: '2026-07-01T17:30:00+08:00' })
  })
})
