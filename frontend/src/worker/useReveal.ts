// Looking at a reporter's name or number: with a reason, which the person will read. The answer is shown and kept
// nowhere — neither in the outbox, nor in the copies for reading offline.
import { ref, shallowRef } from 'vue'
import { api, unwrap, type Schemas } from '@/shared/api/client'
import { asApiError, toFormErrors, type FormError } from '@/shared/api/problem'
import { uuid } from '@/shared/uuid'
import { client } from './queries'
import type { Case } from './useCase'
import { controlId } from './values'

export function useReveal(id: () => Case['id']) {
  const value = ref('')
  const busy = ref(false)
  const errors = shallowRef<FormError[]>([])

  async function look(field: 'phone' | 'name', reason: string, text = ''): Promise<void> {
    if (busy.value) return
    busy.value = true
    errors.value = []
    try {
      const answer = await unwrap(
        api.POST('/cases/{id}/actions/{action}', {
          params: { path: { id: id(), action: 'reveal' }, header: { 'Idempotency-Key': uuid() } },
          body: { field, reason, ...(text.trim() ? { text: text.trim() } : {}) } as Schemas['ActionBody'],
        }),
      )
      value.value = answer.value ?? ''
      void client.invalidateQueries({ queryKey: ['events', id()] })
    } catch (cause) {
      errors.value = toFormErrors(asApiError(cause), { '/reason': controlId('reason'), '/text': controlId('text'), '/field': controlId('field') })
    } finally {
      busy.value = false
    }
  }

  return { value, busy, errors, look }
}

/** What may be looked at of this case's reporter, by the server's word. */
export function mayRing(item: Pick<Case, 'allowed_actions'>): boolean {
  const reveal = item.allowed_actions.find((a) => a.action === 'reveal')
  return !!reveal?.fields.find((f) => f.name === 'field')?.options?.some((o) => o.value === 'phone')
}
