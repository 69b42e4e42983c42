// Messages to me, newest first, in pages of a cursor.
import { useInfiniteQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, unwrap, type Schemas } from '@/shared/api/client'
import { client } from './queries'
import { readUnread } from './unread'

export type Message = Schemas['Message']

export function useInbox() {
  const query = useInfiniteQuery({
    queryKey: ['inbox'],
    queryFn: ({ pageParam }) => unwrap(api.GET('/inbox', { params: { query: { limit: 30, ...(pageParam ? { cursor: pageParam } : {}) } } })),
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor || undefined,
  })
  return {
    query,
    messages: computed(() => query.data.value?.pages.flatMap((p) => p.items) ?? []),
    unread: computed(() => query.data.value?.pages[0]?.unread ?? 0),
  }
}

export async function markRead(message: Message): Promise<void> {
  if (message.read_at) return
  await unwrap(api.POST('/inbox/{id}/read', { params: { path: { id: message.id } } }))
  await Promise.all([client.invalidateQueries({ queryKey: ['inbox'] }), readUnread()])
}
