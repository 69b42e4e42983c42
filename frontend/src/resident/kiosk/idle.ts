/** Seconds without a touch after which a terminal forgets who stood there, and those after which it asks. */
export const IDLE = 60
export const WARN = 45

/** Whole seconds between two readings of performance.now(). */
export const idleFor = (touched: number, now: number): number => Math.floor(Math.max(0, now - touched) / 1000)
