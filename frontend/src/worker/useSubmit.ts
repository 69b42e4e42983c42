// Sending one action from a form: waits for photos, turns every outcome into words, keeps the form on refusal.
import { ref, shallowRef, watch } from 'vue'
import { toFormErrors, type ApiError, type FormError } from '@/shared/api/problem'
import type { Photos } from '@/shared/photo/usePhotos'
import { toast } from '@/ui/toast'
import { act, type Body } from './act'
import { t } from './i18n'
import { t as form } from './i18n/forms'
import { client, type Copy } from './queries'
import type { Case } from './useCase'
import { controlId, type Field } from './values'

export interface Send {
  item: Pick<Case, 'id' | 'version' | 'matter_name' | 'matter'>
  action: string
  label: string
  body?: Body
  fields?: Field[]
}

export function useSubmit(photos?: Photos) {
  const busy = ref(false)
  const errors = shallowRef<FormError[]>([])

  /** True when the form has done its work: sent, or kept on the device. */
  async function send({ item, action, label, body, fields = [] }: Send): Promise<boolean> {
    if (busy.value) return false
    busy.value = true
    errors.value = []
    try {
      if (photos?.busy.value) await idle(photos)
      const files = photos?.saved().map((p) => ({ blob: p.prepared.blob, mediaId: p.mediaId }))
      const result = await act({ item, action, title: `${label} · ${item.matter_name || item.matter}`, body, photos: files })
      if (result.kind === 'done') {
        toast(t('done', { title: label }))
        return true
      }
      if (result.kind === 'kept') {
        toast(t('savedLater'), { ms: 6000 })
        return true
      }
      if (result.kind === 'blocked') errors.value = [{ text: form('blockedBefore') }]
      else if (result.moved) errors.value = [{ text: movedText(item.id, action, result.error) }]
      else errors.value = toFormErrors(result.error, Object.fromEntries(fields.map((f) => ['/' + f.name, controlId(f.name)])))
      return false
    } finally {
      busy.value = false
    }
  }

  return { busy, errors, send }
}

/** The case has been read again: is there still something to be done? */
function movedText(id: string, action: string, error: ApiError): string {
  const fresh = client.getQueryData<Copy<Case>>(['case', id])?.value
  if (fresh && !fresh.allowed_actions.some((a) => a.action === action)) return form('staleGone')
  return error.code === 'STALE' ? form('stale') : error.message
}

/** Resolves when no photo is being prepared or uploaded. */
function idle(photos: Photos): Promise<void> {
  return new Promise((done) => {
    const stop = watch(
      photos.busy,
      (busy) => {
        if (busy) return
        queueMicrotask(() => stop())
        done()
      },
      { immediate: true },
    )
  })
}
