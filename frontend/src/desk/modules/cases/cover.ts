// Rectangles over a photo, in shares of its width and height; what the public copy hides.
export interface Region {
  x: number
  y: number
  w: number
  h: number
}

/** As the server allows. */
export const MOST = 50
/** Smaller is a slip of the hand, and too small to be found again. */
const LEAST = 0.02
const STEP = 0.02
const round = (n: number) => Math.round(n * 10_000) / 10_000
const within = (n: number, most: number) => Math.min(Math.max(n, 0), most)

/** The rectangle between two corners, in whatever direction the hand went; undefined for a mere press. */
export function between(a: { x: number; y: number }, b: { x: number; y: number }): Region | undefined {
  const [x1, x2] = [within(Math.min(a.x, b.x), 1), within(Math.max(a.x, b.x), 1)]
  const [y1, y2] = [within(Math.min(a.y, b.y), 1), within(Math.max(a.y, b.y), 1)]
  if (x2 - x1 < LEAST || y2 - y1 < LEAST) return undefined
  return fit({ x: x1, y: y1, w: x2 - x1, h: y2 - y1 })
}

/** Inside the picture to the last digit that is sent. */
export function fit(r: Region): Region {
  const w = round(within(Math.max(r.w, LEAST), 1))
  const h = round(within(Math.max(r.h, LEAST), 1))
  return { x: round(within(r.x, 1 - w)), y: round(within(r.y, 1 - h)), w, h }
}

/** What an arrow does: moves, and with Shift makes larger or smaller; undefined for every other key. */
export function byKey(r: Region, key: string, shift: boolean): Region | undefined {
  const d = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[key]
  if (!d) return undefined
  return fit(shift ? { ...r, w: r.w + d[0]!, h: r.h + d[1]! } : { ...r, x: r.x + d[0]!, y: r.y + d[1]! })
}

/** Where a rectangle lies when it is added by a button. */
export const MIDDLE: Region = { x: 0.4, y: 0.4, w: 0.2, h: 0.2 }
