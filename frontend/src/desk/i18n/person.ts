import { defineMessages, locale, setLocale } from '@/shared/i18n'
import zh from './personZh'

/** t() of the field in which a duty is given to a person. */
export const t = defineMessages(zh, () => import('./personEn'))

// Loaded after the language was chosen: fetch these words too.
if (locale.value === 'en') void setLocale('en')
