// The service worker of this app and the push subscription that hangs on it. Both are extras: without them
// everything works, only a cold start without a network and messages on the lock screen do not.
import { ref } from 'vue'
import { api, unwrap } from '@/shared/api/client'

export const canPush = 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window
export const pushOn = ref(false)

export function install(): void {
  if (!('serviceWorker' in navigator) || !import.meta.env.PROD) return
  navigator.serviceWorker
    .register('/w/sw.js', { scope: '/w/', updateViaCache: 'none' })
    .then(async (r) => (pushOn.value = !!(await r.pushManager?.getSubscription().catch(() => null))))
    .catch(() => undefined) // an intranet address without TLS has none
}

function bytes(key: string): Uint8Array<ArrayBuffer> {
  const raw = atob(key.replace(/-/g, '+').replace(/_/g, '/'))
  return Uint8Array.from(raw, (c) => c.charCodeAt(0))
}

/** Asks the person, subscribes this browser and tells the server; throws when one of the three says no. */
export async function subscribe(): Promise<void> {
  if ((await Notification.requestPermission()) !== 'granted') throw new TypeError('refused')
  const [{ key }, worker] = await Promise.all([unwrap(api.GET('/me/push')), navigator.serviceWorker.ready])
  const subscription = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) })
  await unwrap(api.POST('/me/push', { body: subscription.toJSON() as { endpoint: string; keys: { p256dh: string; auth: string } } }))
  pushOn.value = true
}

export async function unsubscribe(): Promise<void> {
  const worker = await navigator.serviceWorker.ready
  const subscription = await worker.pushManager.getSubscription()
  if (subscription) {
    await unwrap(api.POST('/me/push/forget', { body: subscription.toJSON() as { endpoint: string; keys: { p256dh: string; auth: string } } }))
    await subscription.unsubscribe()
  }
  pushOn.value = false
}
