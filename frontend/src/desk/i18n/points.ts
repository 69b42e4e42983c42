import { defineMessages, locale, setLocale } from '@/shared/i18n'
import zh from './pointsZh'

/** t() of the pages of residents' points. */
export const t = defineMessages(zh, () => import('./pointsEn'))

// Loaded after the language was chosen: fetch these words too.
if (locale.value === 'en') void setLocale('en')
