import { defineMessages } from '@/shared/i18n'
import zh from './zhMore'

export const t = defineMessages(zh, () => import('./enMore'))
