import { defineMessages, locale, setLocale } from '@/shared/i18n'
import formsZh from './formsZh'
import workZh from './workZh'
import zh from './zh'

/** t() of the pages behind the first one: its words and theirs. */
export const words = { ...zh, ...formsZh, ...workZh }
export const t = defineMessages(words, async () => {
  const [first, forms, work] = await Promise.all([import('./en'), import('./formsEn'), import('./workEn')])
  return { default: { ...first.default, ...forms.default, ...work.default } }
})
export type Key = keyof typeof words

// Loaded after the language was chosen: fetch these words too.
if (locale.value === 'en') void setLocale('en')
