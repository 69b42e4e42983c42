import { expect, it } from 'vitest'
import { parseRows } from './codeMap'

it('reads rows of a spreadsheet and of a CSV, leaves the heading out and names the lines that say something else', () => {
  expect(parseRows('原标准\t原编码\t现编码\nCJ/T 214-2007\t0101\t01001\n\nCJ/T 214-2007\t0102\t01002\n')).toEqual({
    items: [
      { standard_from: 'CJ/T 214-2007', code_from: '0101', code_to: '01001' },
      { standard_from: 'CJ/T 214-2007', code_from: '0102', code_to: '01002' },
    ],
    wrong: [],
  })
  expect(parseRows('GB/T 30428.2-2013,0203,6013\nGB/T 30428.2-2013，0204，06014\n只有一格')).toEqual({ items: [{ standard_from: 'GB/T 30428.2-2013', code_from: '0204', code_to: '06014' }], wrong: [1, 3] })
})
