// The learner's exercise: kept on this device, so that it goes on after a reload or on another page.
import { computed, onScopeDispose, ref, shallowRef } from 'vue'
import { api, unwrap, watchAnswers, type Schemas } from '@/shared/api/client'
import { asApiError } from '@/shared/api/problem'
import { standing, type Standing } from './coach'

const KEY = 'yixian.practice'
const EVERY = 3_000

type Kept = Schemas['Practice'] & { dismissed?: boolean }

function read(): Kept | undefined {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? 'null') as Kept | null
    return kept?.case_id ? kept : undefined
  } catch {
    return undefined
  }
}

export function usePractice() {
  const task = shallowRef<Kept | undefined>(read())
  const subject = shallowRef<Schemas['Case']>()
  const gone = ref(false)
  /** The last act that the server refused, on the practice case. */
  const refused = shallowRef<{ code: string; message: string }>()
  const stand = computed<Standing>(() => (gone.value ? { trouble: 'gone', stuck: true } : subject.value ? standing(subject.value) : { stuck: false }))

  function keep(next: Kept | undefined) {
    task.value = next
    if (next) localStorage.setItem(KEY, JSON.stringify(next))
    else localStorage.removeItem(KEY)
  }

  async function look() {
    const id = task.value?.case_id
    if (!id || document.hidden) return
    try {
      const before = subject.value?.version
      subject.value = await unwrap(api.GET('/cases/{id}', { params: { path: { id } } }))
      gone.value = false
      if (before !== undefined && subject.value.version !== before) refused.value = undefined // something worked since
    } catch (cause) {
      gone.value = [403, 404].includes(asApiError(cause).status)
    }
  }

  async function start() {
    keep(await unwrap(api.POST('/sandbox/practice', { body: { task: 'call' } })))
    subject.value = undefined
    refused.value = undefined
    await look()
  }

  /** The others make their next move. */
  async function next(): Promise<Schemas['PracticeMove']> {
    const move = await unwrap(api.POST('/sandbox/practice/{id}/next', { params: { path: { id: task.value!.case_id } } }))
    await look()
    return move
  }

  const unwatch = watchAnswers((request, response) => {
    const id = task.value?.case_id
    if (!id || request.method !== 'POST' || !request.url.includes(`/cases/${id}/actions/`)) return
    if (response.status < 400) return void look()
    void response.json().catch(() => ({})).then((body: { code?: string; detail?: string }) => (refused.value = { code: body.code ?? String(response.status), message: body.detail ?? '' }))
  })
  const timer = setInterval(() => void look(), EVERY)
  onScopeDispose(() => {
    clearInterval(timer)
    unwatch()
  })
  void look()

  return { task, subject, stand, refused, start, next, dismiss: (is: boolean) => task.value && keep({ ...task.value, dismissed: is }) }
}
