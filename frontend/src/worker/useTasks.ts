// The list of what is to be done, in pages of a cursor.
import { useInfiniteQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, unwrap, type Schemas } from '@/shared/api/client'
import { client, readThrough, type Copy } from './queries'

export type Task = Schemas['Task']
type Page = Copy<Schemas['TaskList']>

export const FILTERS = ['all', 'overdue', 'call'] as const
export type Filter = (typeof FILTERS)[number]

/** The instant that counts on a card: of the task itself, else of the case. */
export function dueOf(task: Task): string | null {
  return task.task_due ?? task.due_at ?? null
}

export function matches(task: Task, filter: Filter, now: number): boolean {
  if (filter === 'overdue') {
    const due = dueOf(task)
    return due !== null && Date.parse(due) < now
  }
  if (filter === 'call') return task.task === 'ACK' || task.task === 'CHECK_IN' || task.task === 'CALL'
  return true
}

const readPage = (cursor: string) => unwrap(api.GET('/tasks', { params: { query: { limit: 50, ...(cursor ? { cursor } : {}) } } }))

const tasksQuery = {
  queryKey: ['tasks'],
  queryFn: async ({ pageParam }: { pageParam: string }): Promise<Page> => (pageParam ? { value: await readPage(pageParam) } : readThrough('tasks', () => readPage(''))),
  initialPageParam: '',
  getNextPageParam: (page: Page) => page.value.next_cursor || undefined,
}

/** Asks for the first page before there is one that shows it. */
export const ask = () => client.prefetchInfiniteQuery(tasksQuery)

export function useTasks() {
  const query = useInfiniteQuery(tasksQuery)
  const tasks = computed(() => query.data.value?.pages.flatMap((p) => p.value.items) ?? [])
  const savedAt = computed(() => query.data.value?.pages[0]?.savedAt)
  return { query, tasks, savedAt }
}
