import { defineMessages } from '@/shared/i18n'
import en from './formsEn'
import zh from './formsZh'

/** t() of forms and positions. Both languages at once: they come with the page that was chosen already. */
export const t = defineMessages(zh, () => Promise.resolve({ default: en }))
export type FormKey = keyof typeof zh
