// What a person chose for this device: text size (长辈版) and nothing that identifies anybody.
import { ref } from 'vue'

export type TextSize = 'normal' | 'large' | 'huge'

const KEY = 'yixian.text'
export const textSize = ref<TextSize>('normal')

/** One attribute on <html> scales everything, because all sizes are in rem. */
export function setTextSize(size: TextSize): void {
  textSize.value = size
  const root = document.documentElement
  if (size === 'normal') delete root.dataset.large
  else root.dataset.large = size
  localStorage.setItem(KEY, size)
}

/** ?elder (the link in a city's WeChat menu) switches the elder view on; else the device's last choice. */
export function startPrefs(search = location.search): void {
  const saved = localStorage.getItem(KEY)
  if (new URLSearchParams(search).has('elder')) setTextSize('large')
  else if (saved === 'large' || saved === 'huge') setTextSize(saved)
}
