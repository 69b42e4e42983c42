// How much the device can still hold. A full phone refuses to store a photo in the moment it is taken: that is
// said before it happens.
import { ref } from 'vue'
import { entries } from './outbox/outbox'

const LEAST = 50 * 1024 * 1024 // bytes: about 150 prepared photos
const MOST_PHOTOS = 50

/** 'full' = little room is left; 'many' = very many photos wait to be sent. */
export const room = ref<'ok' | 'full' | 'many'>('ok')

export function judge(free: number | undefined, photos: number): 'ok' | 'full' | 'many' {
  if (free !== undefined && free < LEAST) return 'full'
  return photos > MOST_PHOTOS ? 'many' : 'ok'
}

export async function checkRoom(): Promise<void> {
  const { quota, usage } = (await navigator.storage?.estimate?.().catch(() => undefined)) ?? {}
  const free = quota === undefined ? undefined : quota - (usage ?? 0)
  room.value = judge(free, entries.value.reduce((n, e) => n + e.photos.length, 0))
}
