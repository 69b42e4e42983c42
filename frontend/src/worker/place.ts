// Distances on the ground and what the phone says about itself.
import { ref, shallowRef } from 'vue'
import { metresBetween, type LonLat } from '@/shared/map/metres'
import { NoPosition, whereAmI, type Fix } from '@/shared/map/position'
import { t } from './i18n/forms'

export { metresBetween, type LonLat }

/** Check-in rules of domain 4b T16, told before the server is asked; the server decides. */
export const PRESENCE_M = 300
export const WORST_ACCURACY_M = 500
const ACCURACY_CREDIT_M = 100

export function presence(fix: Fix, meet: LonLat): { metres: number; verdict: 'inside' | 'tooFar' | 'poorAccuracy' } {
  const metres = Math.round(metresBetween(fix, meet))
  if (fix.accuracy_m > WORST_ACCURACY_M) return { metres, verdict: 'poorAccuracy' }
  return { metres, verdict: metres - Math.min(fix.accuracy_m, ACCURACY_CREDIT_M) <= PRESENCE_M ? 'inside' : 'tooFar' }
}

const REASONS = { denied: 'posDenied', insecure: 'posInsecure', unavailable: 'posUnavailable' } as const

/**
 * A reading of this very moment: whoever walks nearer and tries again must not be told where he was. The
 * shared whereAmI may answer with a fix of the last half minute, which is right for a report.
 */
function freshFix(): Promise<Fix> {
  if (!('geolocation' in navigator) || !window.isSecureContext) return whereAmI() // it says why there is none
  return new Promise((resolve, reject) => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => resolve({ lon: coords.longitude, lat: coords.latitude, accuracy_m: Math.round(coords.accuracy) }),
      (e) => reject(new NoPosition(e.code === e.PERMISSION_DENIED ? 'denied' : 'unavailable')),
      { enableHighAccuracy: true, timeout: 15_000, maximumAge: 0 },
    )
  })
}

/** One reading of the position with its state and, when it fails, the way on in words. */
export function usePosition({ fresh = false } = {}) {
  const fix = shallowRef<Fix>()
  const busy = ref(false)
  const problem = ref('')

  async function locate(): Promise<Fix | undefined> {
    if (busy.value) return undefined
    busy.value = true
    problem.value = ''
    fix.value = undefined
    try {
      return (fix.value = await (fresh ? freshFix() : whereAmI()))
    } catch (e) {
      problem.value = t(REASONS[e instanceof NoPosition ? e.reason : 'unavailable'])
      return undefined
    } finally {
      busy.value = false
    }
  }

  return { fix, busy, problem, locate }
}

/** True when reading the position asks nobody anything. */
export async function mayLocateSilently(): Promise<boolean> {
  try {
    return (await navigator.permissions.query({ name: 'geolocation' })).state === 'granted'
  } catch {
    return false // Safari before 16 has no such question
  }
}
