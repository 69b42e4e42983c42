import { defineMessages, locale, setLocale } from '@/shared/i18n'
import zh from './photosZh'

/** t() about the photos that everybody may see. */
export const t = defineMessages(zh, () => import('./photosEn'))

// Loaded after the language was chosen: fetch these words too.
if (locale.value === 'en') void setLocale('en')
