// What this device knows of the server's clock. Apart from the words of countdowns, because every first page needs this much.
import { ref } from 'vue'

let offset = 0
let known = false

/** The instant that countdowns show, in milliseconds since the epoch. */
export const tick = ref(Date.now())

/** Learns the difference between this device's clock and the server's from an RFC 3339 instant. */
export function noteServerTime(serverTime: string, received = Date.now()): void {
  const at = Date.parse(serverTime)
  if (!Number.isNaN(at)) {
    offset = at - received
    known = true
    tick.value = Date.now() + offset
  }
}

/** Whether the server has told its time since this page was opened. */
export function clockKnown(): boolean {
  return known
}

/** The server's time in milliseconds since the epoch, as well as this device knows it. */
export function serverNow(): number {
  return Date.now() + offset
}
