import { defineMessages } from './index'
import zh from './zh'

/** t() for the kit's own words; apps have their own t() from their own catalogue. */
export const t = defineMessages(zh, () => import('./en'))
