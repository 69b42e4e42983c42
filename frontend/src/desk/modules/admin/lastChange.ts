// Who changed a thing last: what a person is told whose own change came too late.
import { api, unwrap, type Schemas } from '@/shared/api/client'

export async function lastChange(kind: string, key: string): Promise<Schemas['AuditEvent'] | undefined> {
  return (await unwrap(api.GET('/admin/audit', { params: { query: { kind, key, limit: 1 } } }))).items[0]
}
