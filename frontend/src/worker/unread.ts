// The number of unread messages, for the navigation on every page. A plain ref: the first load then needs
// nothing of vue-query but its client.
import { ref } from 'vue'
import { api, unwrap } from '@/shared/api/client'

export const unread = ref(0)

export async function readUnread(): Promise<void> {
  try {
    unread.value = (await unwrap(api.GET('/inbox', { params: { query: { limit: 1 } } }))).unread
  } catch {
    return // the number stays as it was; the next event asks again
  }
}
