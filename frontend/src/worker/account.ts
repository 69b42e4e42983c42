// Who holds this phone, as far as the first page must know.
import { ApiError } from '@/shared/api/problem'
import { loadMe, me, type Me } from '@/shared/session'
import { cache } from '@/shared/store'

/** Nobody is signed in, or only a resident: this app is for staff. */
export function isStaff(who: Me | null | undefined): who is Me {
  return who?.user.kind === 'STAFF'
}

/** Asks the server once; without a network the last known person goes on with the kept copies. */
export function ensureMe(): Promise<Me | null> {
  if (me.value !== undefined) return Promise.resolve(me.value)
  return (asking ??= ask().finally(() => (asking = undefined)))
}

let asking: Promise<Me | null> | undefined

async function ask(): Promise<Me | null> {
  try {
    const who = await loadMe()
    if (isStaff(who)) void cache.put('me', who).catch(() => undefined)
    return who
  } catch (error) {
    if (!(error instanceof ApiError) || !error.transient) throw error
    const kept = await cache.get<Me>('me').catch(() => undefined)
    if (!kept) throw error
    return (me.value = kept.data)
  }
}
