import { api, unwrap, type Schemas } from '@/shared/api/client'

export type Message = Schemas['Message']

export function fetchInbox(cursor?: string, limit = 50) {
  return unwrap(api.GET('/inbox', { params: { query: { limit, cursor } } }))
}

export function markRead(id: string) {
  return unwrap(api.POST('/inbox/{id}/read', { params: { path: { id } } }))
}
