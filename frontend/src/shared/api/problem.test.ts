import { describe, expect, it } from 'vitest'
import { asApiError, toApiError, toFormErrors } from './problem'

describe('toApiError', () => {
  it('keeps code, text, fields and further members of a problem document', () => {
    const e = toApiError(409, { type: 'about:blank', title: 'Conflict', status: 409, code: 'STALE', detail: '已被他人处理', version: 7 })
    expect([e.status, e.code, e.message, e.body.version, e.transient]).toEqual([409, 'STALE', '已被他人处理', 7, false])
  })
  it('survives answers that are no problem document', () => {
    const e = toApiError(502, '<html>')
    expect(e.code).toBe('HTTP_502')
    expect(e.message).toContain('HTTP_502')
    expect(e.transient).toBe(true)
  })
  it('says how long to wait', () => {
    const e = toApiError(429, {}, new Headers({ 'Retry-After': '30' }))
    expect(e.retryAfter).toBe(30)
    expect(e.message).toContain('30')
  })
  it('takes a TypeError of fetch for a dead network', () => {
    expect(asApiError(new TypeError('Failed to fetch'))).toMatchObject({ status: 0, code: 'NETWORK', transient: true })
  })
})

describe('toFormErrors', () => {
  const controls = { '': 'submit', '/point': 'place', '/text': 'text' }
  const withFields = (pointer: string) => toApiError(422, { code: 'INVALID', detail: 'x', errors: [{ pointer, detail: '请修改' }] })
  it.each([['/point/lon', 'place'], ['/point', 'place'], ['/text', 'text'], ['/other', 'submit'], ['', 'submit']])('%s leads to %s', (pointer, field) => {
    expect(toFormErrors(withFields(pointer), controls)).toEqual([{ field, text: '请修改' }])
  })
  it('shows the text of an error without fields', () => {
    expect(toFormErrors(toApiError(422, { code: 'OUT_OF_AREA', detail: '不在本区' }), {})).toEqual([{ field: undefined, text: '不在本区' }])
  })
})
