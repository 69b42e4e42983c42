import { defineMessages, locale, setLocale } from '@/shared/i18n'
import zh from './codeMapZh'

/** t() of the codes of older standards. */
export const t = defineMessages(zh, () => import('./codeMapEn'))

// Loaded after the language was chosen: fetch these words too.
if (locale.value === 'en') void setLocale('en')
