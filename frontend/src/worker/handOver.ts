// One phone, one person at a time. What is kept on the device — copies, drafts, waiting writes — belongs to one person: nobody
// else may read it or, worse, send it in their own name.
import { ref } from 'vue'
import { discard, entries, flush, refresh } from '@/shared/outbox/outbox'
import { me, signIn, signOut } from '@/shared/session'
import { cache } from '@/shared/store'
import { client } from './queries'
import { stopLive } from './useLive'

const KEY = 'yixian.w.user'
/** The username that used this device last. */
export const lastUser = ref(localStorage.getItem(KEY) ?? '')

/** How many writes of somebody else wait on this device. */
export async function waitingOfOthers(username: string): Promise<number> {
  await refresh()
  return lastUser.value && lastUser.value !== username ? entries.value.length : 0
}

/** Signs in; what another person left on the device goes first. */
export async function enter(username: string, password: string, totp?: string): Promise<void> {
  if (lastUser.value !== username) await forget()
  const who = await signIn(username, password, totp)
  lastUser.value = username
  localStorage.setItem(KEY, username)
  client.clear()
  await cache.put('me', who).catch(() => undefined)
  void flush()
}

export async function leave(): Promise<void> {
  stopLive()
  await forget()
  try {
    await signOut()
  } finally {
    me.value = null
  }
}

async function forget(): Promise<void> {
  await refresh()
  for (const entry of entries.value) await discard(entry.id)
  await cache.clear().catch(() => undefined)
  client.clear()
}
