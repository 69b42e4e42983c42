// What every form does when it is sent: once however often it is pressed, what is wrong beside what was typed, and nothing lost.
import { ref } from 'vue'
import { asApiError, toFormErrors, type ApiError, type FormError } from '@/shared/api/problem'

/** What a page says of a refusal; nothing leaves the words to the server. */
type Refusal = FormError[] | void

/**
 * `controls` leads from the server's pointers to the ids of the form's controls; '' is where everything else belongs. A form
 * that is made from data, or has rows, says by itself which control a pointer means.
 */
export function useSending(controls: Record<string, string> | ((pointer: string) => string | undefined) = {}) {
  const busy = ref(false)
  const errors = ref<FormError[]>([])
  const errorOf = (id: string) => errors.value.find((e) => e.field === id)?.text

  function told(error: ApiError): FormError[] {
    if (typeof controls !== 'function') return toFormErrors(error, controls)
    return error.fields.length > 0 ? error.fields.map((f) => ({ field: controls(f.pointer), text: f.detail })) : [{ field: controls(''), text: error.message }]
  }

  /** Puts down what the page itself finds wrong; true when nothing is, and nothing is on its way. */
  function ready(wrong: FormError[] = []): boolean {
    if (busy.value) return false
    errors.value = wrong
    return wrong.length === 0
  }

  /**
   * Does the work and tells whether it was done. `refused` may say something else about a refusal than the server did, for
   * which it may look something up, or act upon it and leave the words to the server.
   */
  async function send(work: () => Promise<unknown>, refused?: (error: ApiError) => Refusal | Promise<Refusal>): Promise<boolean> {
    if (busy.value) return false
    busy.value = true
    try {
      await work()
      return true
    } catch (cause) {
      const error = asApiError(cause)
      errors.value = (await refused?.(error)) ?? told(error)
      return false
    } finally {
      busy.value = false
    }
  }
  return { busy, errors, errorOf, ready, send }
}
