import { ref } from 'vue'

export const spoken = ref('')

/** Says something to screen readers only (see LiveRegion). The same text twice is said twice. */
export function announce(text: string): void {
  spoken.value = ''
  setTimeout(() => (spoken.value = text), 50)
}
