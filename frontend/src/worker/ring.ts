// The duty officer's alarm: while the app is open, a call to my unit rings and shakes the phone until it is answered
// or silenced. A browser lets a page sound only after it was touched once; the shaking and the words need nothing.
import { ref } from 'vue'

const KEY = 'yixian.w.ring'
const SEEN = 'yixian.w.rung'
const EVERY = 3_000
const PATTERN = [400, 150, 400, 150, 400]

export const ringOn = ref(localStorage.getItem(KEY) !== 'off')
let audio: AudioContext | undefined
let timer: ReturnType<typeof setInterval> | undefined

export function setRing(on: boolean): void {
  ringOn.value = on
  localStorage.setItem(KEY, on ? 'on' : 'off')
  if (!on) quiet()
}

/** Which calls were silenced in this tab already; a reload does not ring them again. */
export const silenced = {
  has: (id: string): boolean => (sessionStorage.getItem(SEEN) ?? '').split(' ').includes(id),
  add: (id: string): void => sessionStorage.setItem(SEEN, `${sessionStorage.getItem(SEEN) ?? ''} ${id}`.trim()),
}

function wake(): void {
  audio ??= typeof AudioContext === 'undefined' ? undefined : new AudioContext()
  void audio?.resume().catch(() => undefined)
}

/** Call once: the first touch is what lets the page sound later. */
export function armRing(): () => void {
  addEventListener('pointerdown', wake, { once: true })
  return () => removeEventListener('pointerdown', wake)
}

/** Two rising tones of a quarter second each. */
function beep(): void {
  if (!audio || audio.state !== 'running') return
  ;[880, 1175].forEach((hertz, i) => {
    const tone = audio!.createOscillator()
    const volume = audio!.createGain()
    const at = audio!.currentTime + i * 0.28
    tone.frequency.value = hertz
    volume.gain.setValueAtTime(0.4, at)
    volume.gain.exponentialRampToValueAtTime(0.001, at + 0.25)
    tone.connect(volume).connect(audio!.destination)
    tone.start(at)
    tone.stop(at + 0.25)
  })
}

/** A page that was never touched may not shake the phone: browsers refuse it and write an error. */
function shake(pattern: number | number[]): void {
  if (navigator.userActivation?.hasBeenActive ?? true) navigator.vibrate?.(pattern)
}

function once(): void {
  shake(PATTERN)
  beep()
}

export function ring(): void {
  if (timer || !ringOn.value) return
  once()
  timer = setInterval(once, EVERY)
}

export function quiet(): void {
  clearInterval(timer)
  timer = undefined
  shake(0)
}
