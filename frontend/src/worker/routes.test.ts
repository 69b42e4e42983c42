import { describe, expect, it } from 'vitest'
import { safeBack, signInFor } from './routes'

describe('the way back after a sign-in', () => {
  it('leads to the page that was asked for', () => {
    expect(signInFor('/case/7?do=ack')).toBe('/sign-in?back=%2Fcase%2F7%3Fdo%3Dack')
    expect(safeBack('/case/7?do=ack')).toBe('/case/7?do=ack')
    expect(signInFor('/')).toBe('/sign-in')
  })

  it.each(['//evil.example', 'https://evil.example', '/\\evil.example', '/sign-in?back=/x', undefined, ['/a']])('never leads elsewhere: %j', (back) => expect(safeBack(back)).toBe('/'))
})
