// Sizes as people read them: "38 MB", "1.2 GB".
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const

export function bytes(n: number): string {
  let i = 0
  while (n >= 1000 && i < UNITS.length - 1) {
    n /= 1000
    i++
  }
  return `${n < 10 && i > 0 ? n.toFixed(1) : Math.round(n)} ${UNITS[i]}`
}
