import type zh from './codeMapZh'

const en: Record<keyof typeof zh, string> = {
  title: 'Old codes', back: 'Responsibility catalogue', text: 'Which matter of today’s catalogue a code of an older standard means, as other systems still write it together with its standard.', standard: 'Older standard', oldCode: 'Old code', matter: 'Matter today', set: 'Save', remove: 'Remove', removeSure: 'Yes, remove', none: 'No old codes yet', noneText: 'Add one, or paste a table',
  pasteMany: 'Paste a table…', rows: 'A line each: older standard, old code, new code', rowsHint: 'Copy three columns of a spreadsheet, or separate by commas; codes that are there are replaced. One wrong line, and nothing is saved', done: '{set} saved, {removed} removed', wrongLines: 'Lines {lines} are not “standard, old code, new code of 5 digits”', noLines: 'Nothing to save', tooMany: 'At most {n} at once: paste in parts',
}
export default en
