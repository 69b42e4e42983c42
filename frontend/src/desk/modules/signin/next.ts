/** Only a path of this app: a foreign address in ?next= must not be followed. Anything else leads to the queue. */
export function ownPath(next: unknown): string {
  const to = typeof next === 'string' ? next : ''
  return /^\/[^/\\]/.test(to) && !/[\\\u0000-\u001f]/.test(to) ? to : '/queue'
}
