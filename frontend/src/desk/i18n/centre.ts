import { defineMessages, locale, setLocale } from '@/shared/i18n'
import zh from './centreZh'

/** t() of exclusions, exports, visits, official notices and special figures. */
export const t = defineMessages(zh, () => import('./centreEn'))

type Key = keyof typeof zh

/** The name of a code of the server, else the server's own label. */
export function term(group: string, code: string, label?: string, params?: Record<string, string | number>): string {
  const key = `${group}.${code}`
  return key in zh ? t(key as Key, params) : label || code
}

// Loaded after the language was chosen: fetch these words too.
if (locale.value === 'en') void setLocale('en')
