import type zh from './unitZh'

const en: Record<keyof typeof zh, string> = {
  allCases: 'All cases of the unit', toAnswer: 'To answer, to check in', duties: 'Duties', lateN: '{n} overdue', noDuties: 'Nothing to do', noDutiesText: 'Cases and tasks that come to the unit appear here', onDuty: 'Duty and load', who: 'Who', loadDuties: 'Duties', loadCalls: 'To arrive', loadDue: 'Next due', noRoster: 'Nobody is on the roster now: all officers are told', untilTime: 'on duty until {time}', editRoster: 'Edit the roster', month: 'This month', toFigures: 'All figures',
}
export default en
