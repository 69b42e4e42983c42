import { defineMessages, locale, setLocale } from '@/shared/i18n'
import zh from './zh'

export const t = defineMessages(zh, () => import('./en'))
export type Key = keyof typeof zh
export const known = (key: string): key is Key => key in zh

// Loaded after the language was chosen: fetch these words too.
if (locale.value === 'en') void setLocale('en')
