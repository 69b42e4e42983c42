import { expect, it } from 'vitest'
import { asStages, fromLines, toStages } from './item'

it('reads stages of a time limit and names the line that is none', () => {
  expect(toStages('止损 4WH\n处置 7WD\n')).toEqual({ sla: [{ name: '止损', budget: '4WH' }, { name: '处置', budget: '7WD' }] })
  expect(toStages('处置 三天')).toEqual({ wrong: '处置 三天' })
  expect(asStages([{ name: '处置', budget: '3WD' }])).toBe('处置 3WD')
  expect(toStages('')).toEqual({ sla: [] })
})

it('takes lines without blanks', () => {
  expect(fromLines(' 井盖 \n\n窨井盖\n')).toEqual(['井盖', '窨井盖'])
})
