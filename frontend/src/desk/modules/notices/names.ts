// Names of events and audiences of messages. The server's matrix has many; a name that is not here is shown as its code.
import { term } from '../../i18n/notices'

export const eventName = (code: string) => term('event', code)
export const audienceName = (code: string) => term('audience', code)
