// A form that survives: small phones kill the browser while the camera runs, so values and photos are kept
// on the device from the first change until the server has taken them.
import { onScopeDispose, ref, toRaw, watch, type Ref } from 'vue'
import type { Photos, SavedPhoto } from '@/shared/photo/usePhotos'
import { drafts } from '@/shared/store'
import type { Values } from './values'

interface Draft {
  values: Values
  photos: SavedPhoto[]
}

const DELAY = 250

export function useDraft(key: string, values: Ref<Values>, photos: Photos) {
  const restored = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined
  let closed = false

  async function save(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    if (closed) return
    // Plain data only: IndexedDB refuses reactive proxies.
    const plain = JSON.parse(JSON.stringify(values.value)) as Values
    await drafts.put(key, { values: plain, photos: photos.saved().map((p) => ({ ...toRaw(p) })) } satisfies Draft).catch(() => undefined)
  }

  function later(): void {
    clearTimeout(timer)
    timer = setTimeout(() => void save(), DELAY)
  }

  async function load(): Promise<void> {
    const kept = (await drafts.get<Draft>(key).catch(() => undefined)) ?? undefined
    if (kept) {
      values.value = { ...values.value, ...kept.values }
      photos.restore(kept.photos)
      restored.value = true
    }
    watch([values, () => photos.photos.map((p) => p.mediaId ?? p.state)], later, { deep: true })
  }

  async function drop(): Promise<void> {
    closed = true
    clearTimeout(timer)
    await drafts.remove(key).catch(() => undefined)
  }

  // Turning to the camera app hides the page; it may never come back.
  const hidden = () => {
    if (document.hidden && timer) void save()
  }
  document.addEventListener('visibilitychange', hidden)
  onScopeDispose(() => {
    document.removeEventListener('visibilitychange', hidden)
    if (timer) void save()
  })

  return { restored, load, save, drop }
}
