import { defineMessages, locale, setLocale } from '@/shared/i18n'
import zh from './officeZh'

/** t() of the pages about emergencies, cards and recurring problems. */
export const t = defineMessages(zh, () => import('./officeEn'))

type Key = keyof typeof zh

/** The name of a code of the server, else the server's own label. */
export function term(group: string, code: string, label?: string, params?: Record<string, string | number>): string {
  const key = `${group}.${code}`
  return key in zh ? t(key as Key, params) : label || code
}

// Loaded after the language was chosen: fetch these words too.
if (locale.value === 'en') void setLocale('en')
