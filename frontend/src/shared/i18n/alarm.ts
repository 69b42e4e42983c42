import { defineMessages, locale, setLocale } from './index'
import zh from './alarmZh'

export const t = defineMessages(zh, () => import('./alarmEn'))

// Loaded after the language was chosen: fetch these words too.
if (locale.value === 'en') void setLocale('en')
