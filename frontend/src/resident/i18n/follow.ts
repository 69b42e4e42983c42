import { defineMessages } from '@/shared/i18n'
import zh from './zhFollow'

/** t() of the pages after the report; they and their words come when they are asked for. */
export const t = defineMessages(zh, () => import('./enFollow'))
