// How instants, distances and phones are written for people. Times are shown on the district's wall clock,
// wherever the reader's device is.
import { locale } from './i18n'
import { t } from './i18n/shared'

const ZONE = 'Asia/Shanghai'
const formats = new Map<string, Intl.DateTimeFormat>()

function format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const tag = locale.value === 'en' ? 'en-GB' : 'zh-CN'
  const key = tag + JSON.stringify(options)
  let f = formats.get(key)
  if (!f) formats.set(key, (f = new Intl.DateTimeFormat(tag, { timeZone: ZONE, hourCycle: 'h23', ...options })))
  return f
}

/** 09:02 */
export function clock(at: string | number): string {
  return format({ hour: '2-digit', minute: '2-digit' }).format(new Date(at))
}

/** Days since the epoch on the district's calendar; China has had no daylight saving since 1991. */
function day(at: number): number {
  return Math.floor((at + 8 * 3_600_000) / 86_400_000)
}

/** "今天 09:02", "昨天 17:40", "明天 12:00", else "6月8日 09:00", with the year when it is another one. */
export function when(at: string | number, now: number): string {
  const ms = new Date(at).getTime()
  const time = clock(ms)
  const near = { '-1': 'yesterday', '0': 'today', '1': 'tomorrow' } as const
  const word = near[String(day(ms) - day(now)) as keyof typeof near]
  if (word) return t(word, { time })
  const year = format({ year: 'numeric' })
  const far = year.format(ms) !== year.format(now)
  return `${format({ year: far ? 'numeric' : undefined, month: locale.value === 'en' ? 'short' : 'long', day: 'numeric' }).format(ms)} ${time}`
}

/** "85 米" below a kilometre, "1.2 公里" above. */
export function distance(metres: number): string {
  const en = locale.value === 'en'
  if (metres < 1000) return `${Math.round(metres)} ${en ? 'm' : '米'}`
  return `${(metres / 1000).toFixed(1)} ${en ? 'km' : '公里'}`
}

/** 8 characters in two groups, easier to read out: "7K3M Q9PX". */
export function receiptCode(code: string): string {
  return code.length === 8 ? `${code.slice(0, 4)} ${code.slice(4)}` : code
}

/** A ratio of the server as a percentage; the server's value is capped, so 0.9999 never reads 100 %. */
export function percent(value: number | null | undefined): string {
  if (value === null || value === undefined) return '—'
  return value === 1 ? '100%' : `${(value * 100).toFixed(2)}%`
}
