// RFC 9457 problem documents as one error type, and the way from a wrong field of the server to the
// control that holds it.
import { t } from '../i18n/shared'

export interface FieldError {
  /** RFC 6901 pointer into the request body, e.g. "/point/lon". */
  pointer: string
  detail: string
}

/** One line of an ErrorSummary: `field` is the id of the control to go to, if there is one. */
export interface FormError {
  field?: string
  text: string
}

/** Every failed call throws this. status 0 = the server was not reached. `message` may be shown to people. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly fields: FieldError[] = [],
    /** Seconds the server asked to wait, from Retry-After. */
    readonly retryAfter?: number,
    /** The whole problem document: further members such as the current `version`. */
    readonly body: Record<string, unknown> = {},
  ) {
    super(message)
    this.name = 'ApiError'
  }

  /** Nobody is at fault and the same request may succeed later: no network, shedding load, limited. */
  get transient(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500
  }
}

/** Reads a failed answer; anything that is not a problem document still becomes an ApiError. */
export function toApiError(status: number, body: unknown, headers?: Headers): ApiError {
  const p = (body && typeof body === 'object' ? body : {}) as Record<string, unknown>
  const code = typeof p.code === 'string' ? p.code : `HTTP_${status}`
  const wait = Number(headers?.get('Retry-After')) || undefined
  const text =
    (typeof p.detail === 'string' && p.detail) ||
    (wait && (status === 429 || status === 503) ? t('errBusy', { s: wait }) : '') ||
    (typeof p.title === 'string' && p.title) ||
    t('errUnknown', { code })
  const fields = Array.isArray(p.errors) ? (p.errors as FieldError[]).filter((e) => e && typeof e.pointer === 'string') : []
  return new ApiError(status, code, text, fields, wait, p)
}

/** fetch() rejects with a TypeError when the network is down; anything else is a fault of ours. */
export function networkError(): ApiError {
  return new ApiError(0, 'NETWORK', t('errNetwork'))
}

export function asApiError(cause: unknown): ApiError {
  if (cause instanceof ApiError) return cause
  if (cause instanceof TypeError) return networkError()
  return new ApiError(0, 'CLIENT', t('errUnknown', { code: 'CLIENT' }))
}

/**
 * Lines for an ErrorSummary. `controls` maps pointers to ids of controls; the longest matching prefix
 * wins ("/point" catches "/point/lon"). An error without fields becomes one line of its own text.
 */
export function toFormErrors(error: ApiError, controls: Record<string, string>): FormError[] {
  if (error.fields.length === 0) return [{ field: controls[''], text: error.message }]
  return error.fields.map(({ pointer, detail }) => {
    let key = pointer
    while (key && !(key in controls)) key = key.slice(0, key.lastIndexOf('/'))
    return { field: controls[key], text: detail }
  })
}
