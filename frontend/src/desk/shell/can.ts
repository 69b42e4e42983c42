// What the person who is signed in may do, as the navigation asks it.
import { may, me } from '@/shared/session'

export function can(permission: string): boolean {
  return permission === 'own.unit' ? !!me.value?.unit && may('case.act') : may(permission)
}
