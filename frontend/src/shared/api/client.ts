// The one way to the server: typed by the OpenAPI document, cookies carry the session, every failure is
// an ApiError. Use: `const me = await unwrap(api.GET('/me'))`.
import { noteServerTime } from '../clock'
import { ApiError, networkError, toApiError } from './problem'
import { createClient } from './request'
import type { components, paths } from './schema'

export type Schemas = components['schemas']

export const BASE = '/api/v1'

type Renew = () => Promise<void>
let renew: Renew | undefined
let begun: Promise<unknown> | undefined

/**
 * Sets what happens when a call answers 401: the resident opens a guest session and the call is sent once
 * more; worker and desk go to their sign-in page and reject.
 */
export function onUnauthorized(action: Renew | undefined): void {
  renew = action
}

/** Calls wait until a session has been opened, where there cannot be one yet: a refusal first would cost a round trip. */
export function sessionBegins(opening: Promise<unknown>): void {
  begun = opening.catch(() => undefined)
}

const watchers = new Set<(request: Request, response: Response) => void>()

/** Sees every answer of the typed client; the answer is the function that ends it. */
export function watchAnswers(watch: (request: Request, response: Response) => void): () => void {
  watchers.add(watch)
  return () => watchers.delete(watch)
}

async function sessionFetch(request: Request): Promise<Response> {
  if (!request.url.includes('/auth/')) await begun
  const response = await renewed(request)
  watchers.forEach((watch) => watch(request, response.clone()))
  return response
}

async function renewed(request: Request): Promise<Response> {
  request.headers.set('Accept-Language', document.documentElement.lang) // the page's language, not the phone's
  const early = takeEarly(request)
  const again = renew && !request.url.includes('/auth/') ? request.clone() : undefined
  const response = (await early) ?? (await fetch(request))
  if (response.status !== 401 || !again || !renew) return response
  await renew()
  return fetch(again)
}

declare global {
  interface Window {
    /** What public/w/early.js asked for, by path below BASE. */
    yixianEarly?: Record<string, Promise<Response | undefined>>
  }
}

/** The answer to a request that was sent before this program had come; each is taken once, and none after anything was done. */
function takeEarly(request: Request): Promise<Response | undefined> | undefined {
  const sent = window.yixianEarly
  if (!sent) return
  if (request.method !== 'GET') {
    window.yixianEarly = undefined
    return
  }
  const path = request.url.slice(location.origin.length + BASE.length)
  const answer = sent[path]
  delete sent[path]
  return answer
}

// The origin is spelled out because Request, unlike the browser's fetch, refuses relative addresses in tests.
export const api = createClient<paths>(location.origin + BASE, sessionFetch)

type Answer<T> = { data?: T; error?: unknown; response: Response }

/** The data of an answer, or an ApiError thrown. Notes server_time when the answer carries it. */
export async function unwrap<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>
  try {
    answer = await call
  } catch (cause) {
    if (cause instanceof TypeError) throw networkError()
    throw cause
  }
  if (!answer.response.ok) throw toApiError(answer.response.status, answer.error, answer.response.headers)
  const time = (answer.data as { server_time?: unknown } | undefined)?.server_time
  if (typeof time === 'string') noteServerTime(time)
  return answer.data as T
}

/**
 * Uploads one photo, with a renewed session if the old one has gone.
 * @param onProgress called with 0…1
 */
export async function uploadPhoto(blob: Blob, onProgress?: (part: number) => void): Promise<Schemas['Media']> {
  try {
    return await sendPhoto(blob, onProgress)
  } catch (e) {
    if (!renew || !(e instanceof ApiError) || e.status !== 401) throw e
    await renew()
    return sendPhoto(blob, onProgress)
  }
}

/** XMLHttpRequest, because fetch tells no upload progress. */
function sendPhoto(blob: Blob, onProgress?: (part: number) => void): Promise<Schemas['Media']> {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest()
    xhr.open('POST', BASE + '/media')
    xhr.responseType = 'json'
    xhr.upload.onprogress = (e) => e.lengthComputable && onProgress?.(e.loaded / e.total)
    xhr.onerror = xhr.ontimeout = () => reject(networkError())
    xhr.onload = () => {
      if (xhr.status === 201) resolve(xhr.response as Schemas['Media'])
      else {
        const wait = xhr.getResponseHeader('Retry-After')
        reject(toApiError(xhr.status, xhr.response, wait ? new Headers({ 'Retry-After': wait }) : undefined))
      }
    }
    const form = new FormData()
    form.append('file', blob, 'photo.jpg')
    xhr.send(form)
  })
}
