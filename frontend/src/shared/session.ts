// Who is signed in. The session itself is an HttpOnly cookie; scripts never see a token.
import { shallowRef } from 'vue'
import { api, unwrap, type Schemas } from './api/client'
import { ApiError } from './api/problem'

export type Me = Schemas['Me']

/** undefined = not asked yet, null = nobody. */
export const me = shallowRef<Me | null | undefined>()

export async function loadMe(): Promise<Me | null> {
  try {
    return (me.value = await unwrap(api.GET('/me')))
  } catch (e) {
    if (e instanceof ApiError && e.status === 401) return (me.value = null)
    throw e
  }
}

/** A device session before sign-in: enough for photos, places and the catalogue. A session that is still good stays. */
export async function beGuest(): Promise<void> {
  await unwrap(api.POST('/auth/guest', { params: { query: { keep: true } } }))
}

export async function signIn(username: string, password: string, totp?: string): Promise<Me | null> {
  await unwrap(api.POST('/auth/login', { body: { username, password, ...(totp ? { totp } : {}) } }))
  return loadMe()
}

/** Asks for a one-time code; answers how long until another may be asked for. */
export function requestCode(phone: string): Promise<Schemas['OtpAccepted']> {
  return unwrap(api.POST('/auth/otp', { body: { phone } }))
}

export async function verifyCode(phone: string, code: string): Promise<Me | null> {
  await unwrap(api.POST('/auth/otp/verify', { body: { phone, code } }))
  return loadMe()
}

export async function signOut(): Promise<void> {
  await unwrap(api.POST('/auth/logout'))
  me.value = null
}

export function hasRole(...roles: string[]): boolean {
  return me.value?.roles.some((r) => roles.includes(r)) ?? false
}

export function may(permission: string): boolean {
  return me.value?.permissions?.includes(permission) ?? false
}
