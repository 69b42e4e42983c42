// What a person chose for this device: text size (长辈版), light or dark, and nothing that identifies anybody.
import { ref } from 'vue'

export type TextSize = 'normal' | 'large' | 'huge'
export type Theme = 'auto' | 'light' | 'dark'

const TEXT = 'yixian.text'
const THEME = 'yixian.theme'
export const textSize = ref<TextSize>('normal')
export const theme = ref<Theme>('auto')

/** One attribute on <html> scales everything, because all sizes are in rem. */
export function setTextSize(size: TextSize): void {
  textSize.value = size
  const root = document.documentElement
  if (size === 'normal') delete root.dataset.large
  else root.dataset.large = size
  localStorage.setItem(TEXT, size)
}

function paint(): void {
  const dark = theme.value === 'dark' || (theme.value === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches)
  const root = document.documentElement
  if (dark) root.dataset.theme = 'dark'
  else delete root.dataset.theme
  document.querySelector('meta[name="theme-color"]')?.setAttribute('content', dark ? '#14294a' : '#0b57d0')
}

export function setTheme(next: Theme): void {
  theme.value = next
  localStorage.setItem(THEME, next)
  paint()
}

/** The device's light or dark, unless the person chose: for the apps whose every screen was made for both. */
export function startTheme(): void {
  const saved = localStorage.getItem(THEME)
  if (saved === 'light' || saved === 'dark') theme.value = saved
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint)
  paint()
}

/** ?elder (the link in a city's WeChat menu) switches the elder view on; else the device's last choice. */
export function startPrefs(search = location.search): void {
  const saved = localStorage.getItem(TEXT)
  if (new URLSearchParams(search).has('elder')) setTextSize('large')
  else if (saved === 'large' || saved === 'huge') setTextSize(saved)
}
