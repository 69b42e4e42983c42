import { describe, expect, it } from 'vitest'
import { safeBack, signInFor } from './routes'

describe('the way back after a sign-in', () => {
  it('leads to the page that was asked for', () => {
    expect(signInFor({ fullPath: '/case/7?do=ack' })).toEqual({ path: '/sign-in', query: { back: '/case/7?do=ack' } })
    expect(safeBack('/case/7?do=ack')).toBe('/case/7?do=ack')
    expect(signInFor({ fullPath: '/' }).query).toEqual({})
  })

  it.each(['//evil.example', 'https://evil.example', '/\\evil.example', '/sign-in?back=/x', undefined, ['/a']])('never leads elsewhere: %j', (back) => expect(safeBack(back)).toBe('/'))
})
