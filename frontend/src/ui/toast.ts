import { shallowRef } from 'vue'

export interface ToastItem {
  id: number
  text: string
  action?: { label: string; run: () => void }
}

export const current = shallowRef<ToastItem>()
let timer: ReturnType<typeof setTimeout> | undefined
let count = 0

/** One short message at the bottom; a newer one replaces it. `ms` is also the window of an undo action. */
export function toast(text: string, options: { action?: ToastItem['action']; ms?: number } = {}): () => void {
  const id = ++count
  current.value = { id, text, action: options.action }
  clearTimeout(timer)
  const dismiss = () => {
    if (current.value?.id === id) current.value = undefined
  }
  timer = setTimeout(dismiss, options.ms ?? (options.action ? 8000 : 4000))
  return dismiss
}
