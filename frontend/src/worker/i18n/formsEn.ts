import type zh from './formsZh'

const en: Record<keyof typeof zh, string> = {
  need: 'Please fill in: {label}',
  needPhoto: 'Please take at least one photo',
  needPoint: 'Please find your position first',
  needInt: '{label} must be a number',
  badBudget: '{label} must be a whole number above 0',
  needTasks: 'Each task needs its unit, what to do and a time limit',
  stale: 'Somebody just changed this case. The latest is loaded: please check and send again',
  staleGone: 'Somebody just changed this case; this step is no longer needed',
  blockedBefore: 'An earlier action of this case has not been sent yet; settle it first',
  posDenied: "No permission for the position; allow it in the browser's settings",
  posInsecure: 'This address cannot use the position (https needed)',
  posUnavailable: 'No position found; try again in the open',
  inside: 'Within 300 m: you can check in',
  tooFar: "More than 300 m away. Go closer, or scan the street's QR code",
  poorAccuracy: "The position is off by more than 500 m. Try again in the open, or scan the street's QR code",
}
export default en
