// Days of a month for a table that begins with Monday.
export interface Cell {
  day: string
  n: number
  weekend: boolean
}

/** The cells of a month, with undefined before the first day. */
export function monthOf(year: number, month: number): (Cell | undefined)[] {
  const first = new Date(Date.UTC(year, month - 1, 1))
  const before = (first.getUTCDay() + 6) % 7
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate()
  return [
    ...Array.from({ length: before }, () => undefined),
    ...Array.from({ length: days }, (_, i) => ({ day: `${year}-${String(month).padStart(2, '0')}-${String(i + 1).padStart(2, '0')}`, n: i + 1, weekend: (before + i) % 7 >= 5 })),
  ]
}
