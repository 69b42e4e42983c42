import { expect, test } from 'vitest'
import { ownPath } from './next'

test('a path of the desk is followed, an address elsewhere is not', () => {
  for (const path of ['/queue', '/cases/01a2', '/metrics?from=2026-06-01', '/admin/units?open=D-CG#top']) expect(ownPath(path)).toBe(path)
  for (const path of [
    undefined, null, '', '/', '//evil.example', '///evil.example', '/\\evil.example', '\\\\evil.example', 'https://evil.example', 'http:evil.example', 'javascript:alert(1)', 'JaVaScRiPt:alert(1)', 'data:text/html,x', '/\t/evil.example', '/\n/evil.example',
    ' //evil.example', 'evil.example', '@evil.example', '%2f%2fevil.example', '/..\\evil.example', ['/queue', '//evil.example'], {},
  ])
    expect(ownPath(path)).toBe('/queue')
})
