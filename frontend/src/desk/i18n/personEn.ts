import type zh from './personZh'

const en: Record<keyof typeof zh, string> = {
  nobody: 'Your unit has nobody to give it to; ask the administrator for accounts', hasIt: 'has it now', onDuty: 'on duty', dutyUntil: 'on duty until {time}', offDuty: 'off duty', duties: '{n} duties', calls: '{n} to arrive', next: 'next due {time}',
}
export default en
