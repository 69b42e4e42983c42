// Countdown arithmetic on the server's clock. One shared ticker serves every visible countdown, and only
// while at least one is mounted.
import { computed, onScopeDispose, toValue, type ComputedRef, type MaybeRefOrGetter } from 'vue'
import { serverNow, tick } from './clock'
import { t } from './i18n/shared'

export type Light = 'green' | 'yellow' | 'red'

let users = 0
let timer: ReturnType<typeof setInterval> | undefined

/** A ref of the server's time that moves once a second while the calling component is alive. */
export function useNow() {
  if (users++ === 0) {
    tick.value = serverNow()
    timer = setInterval(() => (tick.value = serverNow()), 1000)
  }
  onScopeDispose(() => {
    if (--users === 0) clearInterval(timer)
  })
  return tick
}

/**
 * A span as words, at most two units, rounded down: "3 天 4 时", "1 时 5 分", "18 分", "不到 1 分".
 * @param ms milliseconds, not negative
 */
export function spanText(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  const d = Math.floor(minutes / 1440)
  const h = Math.floor((minutes % 1440) / 60)
  const m = minutes % 60
  const parts = d > 0 ? [[d, 'day'], [h, 'hour']] : h > 0 ? [[h, 'hour'], [m, 'minute']] : [[m, 'minute']]
  const words = parts.filter(([n]) => n !== 0).map(([n, unit]) => t(unit as 'day', { n: n as number }))
  return words.length > 0 ? words.join(' ') : t('under1m')
}

/** "剩 18 分" before the due instant, "超时 4 分" after it. */
export function remainingText(due: string, now: number): string {
  const ms = Date.parse(due) - now
  return ms >= 0 ? t('remaining', { time: spanText(ms) }) : t('overdueBy', { time: spanText(-ms) })
}

/** mm:ss (or h:mm:ss) for the ring; "+" marks time past the due instant. */
export function clockText(due: string, now: number): string {
  const ms = Date.parse(due) - now
  const s = Math.floor(Math.abs(ms) / 1000)
  const two = (n: number) => String(n).padStart(2, '0')
  const h = Math.floor(s / 3600)
  const text = (h > 0 ? `${h}:` : '') + `${two(Math.floor((s % 3600) / 60))}:${two(s % 60)}`
  return ms < 0 ? '+' + text : text
}

export interface Countdown {
  /** Milliseconds left; negative = overdue. */
  left: number
  /** 0…1 of the budget still left; 0 once overdue, 1 when the start is not known. */
  part: number
  light: Light
  text: string
  clock: string
}

/**
 * A live countdown. Lights follow domain 4b: green below 80 % of the budget used, yellow from 80 %, red
 * once past due. The server's own `light` knows about pauses; prefer it where it is given.
 */
export function countdown(due: string, now: number, start?: string | null): Countdown {
  const end = Date.parse(due)
  const left = end - now
  const total = start ? end - Date.parse(start) : 0
  const part = left <= 0 ? 0 : total > 0 ? Math.min(1, left / total) : 1
  const light: Light = left < 0 ? 'red' : total > 0 && part <= 0.2 ? 'yellow' : 'green'
  return { left, part, light, text: remainingText(due, now), clock: clockText(due, now) }
}

export function useCountdown(due: MaybeRefOrGetter<string | null | undefined>, start?: MaybeRefOrGetter<string | null | undefined>): ComputedRef<Countdown | undefined> {
  const now = useNow()
  return computed(() => {
    const at = toValue(due)
    return at ? countdown(at, now.value, toValue(start)) : undefined
  })
}
