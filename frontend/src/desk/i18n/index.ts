import { defineMessages } from '@/shared/i18n'
import zh from './zh'

export const t = defineMessages(zh, () => import('./en'))

type Key = keyof typeof zh

/**
 * The name of a code of the server (state, action, field, option…): "state" + "FILED" → t('state.FILED').
 * A code this page does not know is shown by the server's own label, else as it is.
 */
export function term(group: string, code: string, label?: string): string {
  const key = `${group}.${code}`
  return key in zh ? t(key as Key) : label || code
}
