// What every form does when it is sent: once however often it is pressed, what is wrong beside what was typed, and nothing lost.
import { ref } from 'vue'
import { asApiError, toFormErrors, type ApiError, type FormError } from '@/shared/api/problem'

/** `controls` leads from the server's pointers to the ids of the form's controls; '' is where everything else belongs. */
export function useSending(controls: Record<string, string> = {}) {
  const busy = ref(false)
  const errors = ref<FormError[]>([])
  const errorOf = (id: string) => errors.value.find((e) => e.field === id)?.text

  /** Puts down what the page itself finds wrong; true when nothing is, and nothing is on its way. */
  function ready(wrong: FormError[] = []): boolean {
    if (busy.value) return false
    errors.value = wrong
    return wrong.length === 0
  }

  /**
   * Does the work and tells whether it was done. `refused` may say something else about a refusal than the server did, or act
   * upon it and leave the words to the server.
   */
  async function send(work: () => Promise<unknown>, refused?: (error: ApiError) => FormError[] | void): Promise<boolean> {
    if (busy.value) return false
    busy.value = true
    try {
      await work()
      return true
    } catch (cause) {
      const error = asApiError(cause)
      errors.value = refused?.(error) ?? toFormErrors(error, controls)
      return false
    } finally {
      busy.value = false
    }
  }
  return { busy, errors, errorOf, ready, send }
}
