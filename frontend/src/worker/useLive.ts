// One stream for the whole app. Events carry only what changed; what is on the screen is read again.
import { computed, shallowRef } from 'vue'
import type { LiveEvent, Stream } from '@/shared/sse'
import { client } from './queries'
import { readUnread } from './unread'

const DEBOUNCE = 300
const stream = shallowRef<Stream>()
export const streamState = computed(() => stream.value?.state.value ?? 'closed')

let changed = new Set<string>()
let timer: ReturnType<typeof setTimeout> | undefined

export function onLiveEvent(event: LiveEvent): void {
  changed.add(event.id)
  timer ??= setTimeout(() => {
    const ids = changed
    changed = new Set()
    timer = undefined
    void client.invalidateQueries({ queryKey: ['tasks'] })
    void client.invalidateQueries({ queryKey: ['inbox'] })
    void readUnread()
    for (const id of ids) {
      void client.invalidateQueries({ queryKey: ['case', id] })
      void client.invalidateQueries({ queryKey: ['events', id] })
    }
  }, DEBOUNCE)
}

function catchUp(): void {
  void client.invalidateQueries()
  void readUnread()
}

let wanted = false

/** The stream's own code comes after the first page: nothing on it waits for live news. */
export function startLive(): void {
  wanted = true
  import('@/shared/sse')
    .then(({ openStream }) => {
      if (wanted) stream.value ??= openStream({ onEvent: onLiveEvent, onCatchUp: catchUp })
    })
    .catch(() => addEventListener('online', () => wanted && startLive(), { once: true }))
}

export function stopLive(): void {
  wanted = false
  stream.value?.close()
  stream.value = undefined
}
