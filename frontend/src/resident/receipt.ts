import { shallowRef } from 'vue'
import type { Schemas } from '@/shared/api/client'

const KEY = 'yixian.receipt'

/** The receipt of the last report in this tab; it survives a reload and dies with the tab. */
export const receipt = shallowRef<Schemas['Receipt'] | undefined>(read())

function read(): Schemas['Receipt'] | undefined {
  const text = sessionStorage.getItem(KEY)
  return text ? (JSON.parse(text) as Schemas['Receipt']) : undefined
}

export function keepReceipt(value: Schemas['Receipt']): void {
  receipt.value = value
  sessionStorage.setItem(KEY, JSON.stringify(value))
}
