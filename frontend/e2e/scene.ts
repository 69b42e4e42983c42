// A morning in the demo district, made through the API: what the pictures and the journeys about bad luck begin with.
import { readFileSync } from 'node:fs'
import { expect, type APIRequestContext, type Browser, type BrowserContext } from '@playwright/test'
import { api, photo, place } from './kit'

const street = 'duty-s-350102005'
const department = 'js1'
const checker = 'duty-350102005005'
const point = { lon: place.longitude, lat: place.latitude, datum: 'WGS84', accuracy_m: 12 }

interface Case {
  version: number
  proposal?: { targets?: { unit: string; lead?: boolean }[] }
}

/** Everybody who acts, each with a session of their own. */
export function staff(browser: Browser) {
  const open = new Map<string, APIRequestContext>()
  const as = async (who: string) => {
    if (!open.has(who)) {
      const { request } = await browser.newContext()
      expect((await request.post(`${api}/auth/login`, { data: { username: who, password: `sandbox-${who}` } })).ok()).toBe(true)
      open.set(who, request)
    }
    return open.get(who)!
  }
  const get = async (who: string, path: string) => (await (await (await as(who)).get(api + path)).json()) as unknown
  /** The server's own version goes with each action, as the pages do it. */
  const act = async (who: string, id: string, action: string, body: Record<string, unknown> = {}) => {
    const { version } = (await get(who, `/cases/${id}`)) as Case
    const answer = await (await as(who)).post(`${api}/cases/${id}/actions/${action}`, { data: { version, ...body } })
    expect(answer.status(), `${who} ${action}: ${await answer.text()}`).toBe(200)
  }
  const picture = async (who: string) => {
    const answer = await (await as(who)).post(`${api}/media`, { multipart: { file: { name: 'photo.jpg', mimeType: 'image/jpeg', buffer: readFileSync('e2e/stand-in-after.jpg') } } })
    return ((await answer.json()) as { id: string }).id
  }
  /** A write that is not an action on a case. */
  const post = async (who: string, path: string, data: Record<string, unknown>) => {
    const answer = await (await as(who)).post(api + path, { data })
    expect(answer.ok(), `${who} ${path}: ${await answer.text()}`).toBe(true)
    return (await answer.json()) as { id: string }
  }
  return { get, act, picture, post }
}

/** A resident's phone after its one-time code; the session lies in the context. */
export async function knownPhone(context: BrowserContext, number: string) {
  const { request } = context
  expect((await request.post(`${api}/auth/otp`, { data: { phone: number } })).ok()).toBe(true)
  const sent = (await (await request.get(`${api}/sandbox/messages?to=${number}`)).json()) as { items: { event: string; text: string }[] }
  const code = /\d{6}/.exec(sent.items.filter((m) => m.event === 'otp').at(-1)!.text)![0]
  expect((await request.post(`${api}/auth/otp/verify`, { data: { phone: number, code } })).ok()).toBe(true)
}

/** The resident of a context reports a broken road with a photo; answers the receipt. */
export async function reportOf(context: BrowserContext, fields: Record<string, unknown> = {}) {
  const { request } = context
  const media = await request.post(`${api}/media`, { multipart: { file: { name: 'photo.jpg', mimeType: 'image/jpeg', buffer: readFileSync(photo) } } })
  const made = await request.post(`${api}/reports`, {
    data: { text: '路面有个大坑，晚上看不见', matter: '06013', address: '津泰路 12 号旁', point, media_ids: [((await media.json()) as { id: string }).id], ...fields },
  })
  expect(made.status(), await made.text()).toBe(201)
  return (await made.json()) as { case_id: string; receipt_code: string; track_token: string }
}

export async function set(request: APIRequestContext, time: string) {
  expect((await request.post(`${api}/sandbox/clock`, { data: { set: `2026-06-08T${time}:00+08:00` } })).ok()).toBe(true)
}

/** Signed, the reporter spoken to and the department called. */
export async function called(people: ReturnType<typeof staff>, id: string) {
  await people.act(street, id, 'sign')
  await people.act(street, id, 'contact', { method: 'PHONE' })
  const { proposal } = (await people.get(street, `/cases/${id}`)) as Case
  const targets = proposal?.targets?.length ? proposal.targets.map(({ unit, lead }) => ({ unit, lead: lead ?? false })) : [{ unit: 'D-JS', lead: true }]
  await people.act(street, id, 'call', { level: 'L1', reason: 'JOINT', targets })
}

/** The department has come, done it, and another unit found it good: the resident is asked. */
export async function settled(people: ReturnType<typeof staff>, id: string) {
  await people.act(department, id, 'ack', { eta_minutes: 20 })
  await people.act(department, id, 'check_in', { point })
  await people.act(department, id, 'resolve', { outcome: 'RESOLVED', accepted_at: '2026-06-08T09:00:00+08:00', talked_to: '报案人', measures: '已修复，恢复正常', time_limit: '当日完成', media_ids: [await people.picture(department)] })
  await people.act(checker, id, 'check_pass', { media_ids: [await people.picture(checker)], point })
}
