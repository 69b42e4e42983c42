import type zh from './alarmZh'

const en: Record<keyof typeof zh, string> = {
  alarmReal: 'Emergency',
  alarmDrill: '[DRILL] in progress',
  alarmMore: '{n} more',
  alarmUnconfirmed: 'unconfirmed',
}
export default en
