import { defineMessages } from '@/shared/i18n'
import zh from './zh'

export const t = defineMessages(zh, () => import('./en'))
