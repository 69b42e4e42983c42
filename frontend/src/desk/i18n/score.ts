import { defineMessages, locale, setLocale } from '@/shared/i18n'
import zh from './scoreZh'

/** t() of the pages of the assessment. */
export const t = defineMessages(zh, () => import('./scoreEn'))

// Loaded after the language was chosen: fetch these words too.
if (locale.value === 'en') void setLocale('en')
