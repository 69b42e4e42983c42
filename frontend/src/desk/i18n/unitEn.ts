import type zh from './unitZh'

const en: Record<keyof typeof zh, string> = {
  allCases: 'All cases of the unit', toAnswer: 'To answer, to check in', duties: 'Duties', lateN: '{n} overdue', noDuties: 'Nothing to do', noDutiesText: 'Cases and tasks that come to the unit appear here', onDuty: 'On duty now', noRoster: 'Nobody is on the roster now: all officers are told', untilTime: 'until {time}', editRoster: 'Edit the roster', month: 'This month', toFigures: 'All figures',
}
export default en
