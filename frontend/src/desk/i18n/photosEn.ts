import type zh from './photosZh'

const en: Record<keyof typeof zh, string> = {
  title: 'Photos for everybody', text: 'Once the case is closed and in the open ledger, everybody sees covered copies; the original is never public.', beforeN: 'Before {n}', afterN: 'After {n}', isPublic: 'public, {n} covered', notPublic: 'not public',
  letOut: 'Cover and publish…', coverAnew: 'Cover anew…', takeBack: 'Take back', takeSure: 'Yes, take back', withdrawn: 'Taken back; its address is gone at once', published: 'The covered copy is public',
  coverTitle: 'Cover before publishing: {name}', coverText: 'Hold the mouse and draw frames over faces, plates, door numbers and whatever else tells who somebody is.', coverKeys: 'Keys: on a frame the arrows move it, Shift with arrows resizes it, Delete removes it; so does a double click.', coverAdd: '＋ Add a frame', coverUndo: 'Remove the last', coveredN: '{n} covered', regionN: 'Frame {n}',
  coverAgain: 'This photo has a public copy already; the new one takes its place.', looked: 'I have looked at all of it: nothing that tells who somebody is is left uncovered', errLooked: 'Look at the whole photo, then tick the box', publish: 'Publish', cancel: 'Cancel',
}
export default en
