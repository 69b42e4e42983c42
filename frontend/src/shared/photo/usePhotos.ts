// The photos of one form: each is prepared, shown at once, and uploaded in the background.
import { computed, onScopeDispose, ref, shallowReactive } from 'vue'
import { uploadPhoto } from '../api/client'
import { ApiError, asApiError } from '../api/problem'
import { t } from '../i18n/shared'
import { uuid } from '../uuid'
import { preparePhoto, UnreadablePhoto, type PreparedPhoto } from './prepare'

export interface Photo {
  key: string
  /** An object URL of the prepared photo; empty while it is being prepared. */
  url: string
  state: 'preparing' | 'sending' | 'done' | 'failed'
  /** 0…1 of the upload. */
  progress: number
  error?: string
  /** The server answered that it will never take this photo: retrying is useless. */
  hopeless?: boolean
  prepared?: PreparedPhoto
  mediaId?: string
  /** How often the upload has failed in a row. */
  tries?: number
}

const TRIES = 6 // by itself; a tap tries again for ever

/** What a draft keeps of a photo. */
export type SavedPhoto = Pick<Photo, 'key' | 'mediaId'> & { prepared: PreparedPhoto }

export function usePhotos(options: { max?: number; onChange?: () => void; onPrepared?: (photo: PreparedPhoto) => void } = {}) {
  const { max = 6, onChange, onPrepared } = options
  const photos = shallowReactive<Photo[]>([])
  /** How many were left out of the last choice, because there is no room for them. */
  const leftOut = ref(0)
  const timers = new Set<ReturnType<typeof setTimeout>>()

  function make(fields: Partial<Photo>): Photo {
    const photo = shallowReactive<Photo>({ key: uuid(), url: '', state: 'preparing', progress: 0, ...fields })
    photos.push(photo)
    return photo
  }

  async function add(files: Iterable<File>): Promise<void> {
    const all = [...files]
    const room = all.slice(0, max - photos.length)
    leftOut.value = all.length - room.length
    // One after the other: decoding six 12 MP photos at once kills a small phone.
    for (const [photo, file] of room.map((f) => [make({}), f] as const)) {
      try {
        photo.prepared = await preparePhoto(file)
        photo.url = URL.createObjectURL(photo.prepared.blob)
        onPrepared?.(photo.prepared)
        onChange?.()
        void send(photo)
      } catch (e) {
        photo.state = 'failed'
        photo.hopeless = e instanceof UnreadablePhoto
        photo.error = t(e instanceof UnreadablePhoto && e.heic ? 'photoHeic' : 'photoBad')
      }
    }
  }

  async function send(photo: Photo): Promise<void> {
    if (!photo.prepared || photo.mediaId || photo.state === 'sending') return
    photo.state = 'sending'
    photo.error = undefined
    try {
      photo.mediaId = (await uploadPhoto(photo.prepared.blob, (p) => (photo.progress = p))).id
      photo.state = 'done'
      photo.tries = 0
      onChange?.()
    } catch (cause) {
      const error = cause instanceof ApiError ? cause : asApiError(cause)
      photo.state = 'failed'
      photo.hopeless = !error.transient && error.status !== 401
      photo.error = error.message
      photo.tries = (photo.tries ?? 0) + 1
      // In the background, less and less often, and not before the server asked for it.
      if (!photo.hopeless && photo.tries <= TRIES) later(photo, error.retryAfter ?? Math.min(60, 2 ** photo.tries))
    }
  }

  function later(photo: Photo, seconds: number): void {
    const timer = setTimeout(() => {
      timers.delete(timer)
      if (photo.state === 'failed' && photos.includes(photo)) void send(photo)
    }, seconds * 1000)
    timers.add(timer)
  }

  const online = () => photos.forEach((p) => p.state === 'failed' && !p.hopeless && void send(p))
  addEventListener('online', online)

  function remove(key: string): void {
    const i = photos.findIndex((p) => p.key === key)
    if (i < 0) return
    const [photo] = photos.splice(i, 1)
    if (photo?.url) URL.revokeObjectURL(photo.url)
    leftOut.value = 0
    onChange?.()
  }

  function clear(): void {
    for (const { key } of [...photos]) remove(key)
  }

  /** Puts photos of a saved draft back and uploads those that had not made it. */
  function restore(saved: SavedPhoto[]): void {
    for (const s of saved) {
      const photo = make({ ...s, url: URL.createObjectURL(s.prepared.blob), state: s.mediaId ? 'done' : 'failed', progress: s.mediaId ? 1 : 0 })
      if (!s.mediaId) void send(photo)
    }
  }

  onScopeDispose(() => {
    removeEventListener('online', online)
    timers.forEach(clearTimeout)
    photos.forEach((p) => p.url && URL.revokeObjectURL(p.url))
  })

  return {
    photos,
    leftOut,
    max,
    add,
    remove,
    clear,
    restore,
    retry: (key: string) => {
      const photo = photos.find((p) => p.key === key)
      if (!photo || photo.hopeless) return
      photo.tries = 0
      void send(photo)
    },
    /** For a draft or the outbox: everything that could be prepared. */
    saved: (): SavedPhoto[] => photos.filter((p) => p.prepared && !p.hopeless).map(({ key, prepared, mediaId }) => ({ key, prepared: prepared!, mediaId })),
    busy: computed(() => photos.some((p) => p.state === 'preparing' || p.state === 'sending')),
    preparing: computed(() => photos.some((p) => p.state === 'preparing')),
    sentCount: computed(() => photos.filter((p) => p.state === 'done').length),
  }
}

export type Photos = ReturnType<typeof usePhotos>
