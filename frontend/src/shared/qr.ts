// A QR code as the path of one SVG: a unit square for each dark module, runs of a row joined.
import { encode } from 'uqr'

/** @returns the path in module units and the side of the square, quiet zone of 4 modules included (ISO/IEC 18004). */
export function qrPath(text: string): { path: string; side: number } {
  const { data, size } = encode(text, { ecc: 'M', border: 4 })
  let path = ''
  data.forEach((row, y) => {
    for (let x = 0; x < row.length; x++) {
      if (!row[x]) continue
      let end = x
      while (row[end + 1]) end++
      path += `M${x} ${y}h${end - x + 1}v1h-${end - x + 1}z`
      x = end
    }
  })
  return { path, side: size }
}
