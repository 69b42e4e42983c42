import { defineMessages, locale, setLocale } from '@/shared/i18n'
import zh from './scoreZh'

/** t() of the pages of the assessment. */
export const t = defineMessages(zh, () => import('./scoreEn'))

type Key = keyof typeof zh

/** The name of a code of the server, else the server's own label, else the code. */
export function term(group: string, code: string, label?: string): string {
  const key = `${group}.${code}`
  return key in zh ? t(key as Key) : label || code
}

// Loaded after the language was chosen: fetch these words too.
if (locale.value === 'en') void setLocale('en')
