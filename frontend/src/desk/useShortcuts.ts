import { onBeforeUnmount, onMounted } from 'vue'

const TYPING = 'input, textarea, select, [contenteditable], [role="combobox"], [role="application"]'

/** Single keys never act while somebody types, a dialog is open, or a modifier makes them a browser command. */
export function isPlainKey(e: KeyboardEvent): boolean {
  if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return false
  const target = e.target as Element | null
  return !target?.closest?.(TYPING) && !document.querySelector('dialog[open]')
}

/** Keys of a page, for as long as it is shown: `{ j: down, '/': search }`. A handler that answers false lets the key pass. */
export function useShortcuts(keys: Record<string, () => void | boolean>): void {
  function onKey(e: KeyboardEvent) {
    const run = keys[e.key]
    if (!run || !isPlainKey(e)) return
    if (run() !== false) e.preventDefault()
  }
  onMounted(() => document.addEventListener('keydown', onKey))
  onBeforeUnmount(() => document.removeEventListener('keydown', onKey))
}
