import { describe, expect, it } from 'vitest'
import { checkDeclaration, declarationBody, type Declaration } from './incident'

const now = Date.parse('2026-06-08T09:00:00+08:00')
const d = (over: Partial<Declaration>): Declaration => ({ drill: true, name: '防汛演练', streets: ['350102004'], communities: [], units: [], matters: [], until: '', ...over })

describe('checkDeclaration', () => {
  it('names each thing that is missing at its control', () => {
    expect(checkDeclaration(d({}), now)).toEqual([])
    expect(checkDeclaration(d({ name: ' ', streets: [], until: '2026-06-08T09:00' }), now).map((e) => e.field)).toEqual(['inc-name', 'inc-areas', 'inc-until'])
    expect(checkDeclaration(d({ streets: [], communities: ['350102004001'], until: '2026-06-08T09:01' }), now)).toEqual([])
  })
})

describe('declarationBody', () => {
  it('leaves out what was not given, and communities below a chosen street', () => {
    expect(declarationBody(d({}))).toEqual({ name: '防汛演练', drill: true, streets: ['350102004'] })
    expect(declarationBody(d({ name: ' 防汛 ', drill: false, communities: ['350102004001', '350102003001'], matters: ['06'], units: ['D-CG'], until: '2026-06-08T18:00' }))).toEqual({
      name: '防汛', drill: false, streets: ['350102004'], communities: ['350102003001'], units: ['D-CG'], matters: ['06'], until: '2026-06-08T18:00:00+08:00',
    })
  })
})
