import type zh from './scoreZh'

const en: Record<keyof typeof zh, string> = {
  period: 'Period', month: 'Month', quarter: 'Quarter', frozen: 'Frozen', provisional: 'Provisional: it changes with the data', rank: 'Rank', unit: 'Unit', kind: 'Kind', score: 'Score', settled: 'Settled', hash: 'Hash', revision: 'Revision {n}',
  DEPARTMENT: 'Department', STREET: 'Street', insufficient: 'Insufficient data', empty: 'No sheets for this period', emptyText: 'Choose another period', sheetTitle: 'Assessment of {unit}, {period}', print: 'Print', back: 'Back to the list', exportXlsx: 'Export to Excel',
  indicator: 'Indicator', formula: 'Formula', made: 'Numerator/denominator', value: 'Result', composite: 'Composite', deducted: 'Deducted', after: 'Score', weight: 'Weight available', yellow: '{n} yellow cards', red: '{n} red cards', unfounded: '{n} unfounded returns', excluded: '{n} excluded', exclusionRate: 'Exclusion rate',
  drill: 'What “{name}” is made of', behindTitle: '“{name}” is made of', case: 'Case', due: 'Due', done: 'Done', counts: 'Counted', holds: 'Holds', late: 'Arrived late', yes: 'yes', no: 'no', noFacts: 'Nothing is behind it', more: 'More', hours: 'Handling hours', hoursText: 'median {median}, P90 {p90}, mean {mean} ({n} tasks, hours)',
  objections: 'Objections', noObjections: 'No objections', object: 'Object', objectText: 'Objection', answer: 'Answer', answerText: 'Answer', answered: 'Answer: {text}', send: 'Send', sent: 'Sent', tooShort: 'Write at least 5 characters',
}
export default en
