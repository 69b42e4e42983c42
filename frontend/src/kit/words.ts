// Words of the kit's own page; people who build the pages read it, nobody else.
import { defineMessages } from '@/shared/i18n'
import zh from './zh'

export const t = defineMessages(zh, () => import('./en'))
