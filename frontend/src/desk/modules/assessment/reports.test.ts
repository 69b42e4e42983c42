import { afterEach, describe, expect, it, vi } from 'vitest'
import { fileOf, groupsOf, names, periodsOf, take } from './reports'

describe('reports that come by themselves', () => {
  afterEach(() => void vi.unstubAllGlobals())

  it('offers only what the server makes', () => {
    expect(periodsOf('assessments')).toEqual(['month', 'quarter'])
    expect(periodsOf('burden')).toEqual(['month'])
    expect(periodsOf('cases')).toHaveLength(4)
    expect(groupsOf('hotline')).toContain('source')
    expect(groupsOf('metrics')).not.toContain('source')
    expect(groupsOf('cases')).toEqual([])
  })

  it('reads names however they are separated, each once', () => {
    expect(names(' sup1，sl1、 sl1\ncg1; ')).toEqual(['sup1', 'sl1', 'cg1'])
    expect(names('  ')).toEqual([])
  })

  it('says why a link does not open', async () => {
    vi.stubGlobal('fetch', async () => Response.json({ code: 'REPORT_EXPIRED', detail: '报表文件已过保留期' }, { status: 410 }))
    await expect(take(fileOf('a/b'), 'x')).rejects.toMatchObject({ status: 410, code: 'REPORT_EXPIRED' })
    expect(fileOf('a/b')).toBe('/api/v1/report_files/a%2Fb')
  })
})
