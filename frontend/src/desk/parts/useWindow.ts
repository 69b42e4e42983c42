// Of a list with very many rows of one height only those near the eye are in the page; the rest is empty room of the same height,
// so that the scroll bar tells the truth. Short lists are whole: they can be searched and printed.
import { computed, nextTick, onBeforeUnmount, onMounted, ref, watch, type Ref } from 'vue'

/** Lists below so many rows are whole. */
export const WHOLE = 300
/** Rows beyond both edges, so that a turn of the wheel meets rows and not room. */
const SPARE = 12
/** The first row changes by so many at once: most frames of a scroll change nothing. */
const STEP = 6

/** Which of `count` rows of `height` px are shown in a box of `box` px whose list begins `top` px above its upper edge. */
export function rowsInSight(count: number, height: number, top: number, box: number): { first: number; last: number } {
  if (count <= WHOLE || height <= 0) return { first: 0, last: count }
  const first = Math.max(0, Math.floor((top / height - SPARE) / STEP) * STEP)
  const last = Math.ceil(((top + box) / height + SPARE) / STEP) * STEP
  return { first: Math.min(first, Math.max(0, count - STEP)), last: Math.min(count, Math.max(last, first + STEP)) }
}

function scrollerOf(e: HTMLElement | null): HTMLElement {
  for (let at = e; at; at = at.parentElement) if (/auto|scroll/.test(getComputedStyle(at).overflowY) && at.clientHeight > 0) return at
  return document.scrollingElement as HTMLElement
}

/** `item` selects a row within `box`; the box scrolls itself or stands in what scrolls. */
export function useWindow(count: () => number, box: Ref<HTMLElement | undefined>, item: string) {
  const top = ref(0)
  const seen = ref(800)
  const height = ref(0)
  const on = computed(() => count() > WHOLE && height.value > 0)
  const range = computed(() => rowsInSight(count(), height.value, top.value, seen.value))
  let scroller: HTMLElement | undefined
  let asked = 0

  function look() {
    asked = 0
    const list = box.value?.querySelector(item)?.parentElement
    if (!scroller || !list) return
    top.value = Math.max(0, (scroller === document.scrollingElement ? 0 : scroller.getBoundingClientRect().top) - list.getBoundingClientRect().top)
    seen.value = scroller.clientHeight
  }
  const moved = () => (asked ||= requestAnimationFrame(look))
  function measure() {
    const rows = box.value?.querySelectorAll<HTMLElement>(`${item}:not(.room)`)
    if (!rows || rows.length === 0 || count() <= WHOLE) return
    if (!scroller) {
      scroller = scrollerOf(box.value!)
      const target = scroller === document.scrollingElement ? document : scroller
      target.addEventListener('scroll', moved, { passive: true })
    }
    const last = rows[rows.length - 1]!
    height.value = (last.getBoundingClientRect().bottom - rows[0]!.getBoundingClientRect().top) / rows.length
    look()
  }
  /** Scrolls so far that a row is in the page. */
  function reveal(i: number) {
    if (!on.value || !scroller) return
    look() // a turn of the wheel may not have been seen yet
    if (i >= range.value.first && i < range.value.last) return
    scroller.scrollTop += i * height.value - top.value - seen.value / 2
    look()
  }
  watch(() => count() > WHOLE, (is) => is && void nextTick(measure), { immediate: true })
  watch(on, (is) => is && void nextTick(measure)) // rows of a long list may stand closer
  onMounted(() => window.addEventListener('resize', measure))
  onBeforeUnmount(() => {
    window.removeEventListener('resize', measure)
    scroller?.removeEventListener('scroll', moved)
    document.removeEventListener('scroll', moved)
    cancelAnimationFrame(asked)
  })
  return {
    on,
    first: computed(() => range.value.first),
    last: computed(() => range.value.last),
    before: computed(() => (on.value ? range.value.first * height.value : 0)),
    after: computed(() => (on.value ? (count() - range.value.last) * height.value : 0)),
    reveal,
  }
}
