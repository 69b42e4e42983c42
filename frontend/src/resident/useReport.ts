// One report being written: what it holds, how it is kept on the phone, how it is checked and sent.
// The draft is saved before the camera opens and after every change, so a killed browser loses nothing; the
// draft's key is the Idempotency-Key, so a lost answer never makes two cases.
import { computed, reactive, ref, shallowRef, watch } from 'vue'
import { api, unwrap, type Schemas } from '@/shared/api/client'
import { ApiError, asApiError, toFormErrors, type FormError } from '@/shared/api/problem'
import { NoPosition, whereAmI } from '@/shared/map/position'
import { discard, entries, flush, onOutcome, post, retry } from '@/shared/outbox/outbox'
import { usePhotos, type SavedPhoto } from '@/shared/photo/usePhotos'
import { loadMe, me, verifyCode } from '@/shared/session'
import { drafts } from '@/shared/store'
import { uuid } from '@/shared/uuid'
import { t } from './i18n'
import { keepReceipt } from './receipt'

export type PlaceSource = 'photo' | 'gps' | 'map' | 'code'
export interface Point {
  lon: number
  lat: number
  accuracy_m?: number
  source: PlaceSource
}

interface Draft {
  key: string
  startedAt: number
  point?: Point
  address: string
  matter?: Pick<Schemas['Matter'], 'code' | 'name'>
  text: string
  anonymous: boolean
  phone: string
  placeCode?: { token: string; name: string }
  photos: SavedPhoto[]
}

const DRAFT = 'report'
const GROUP = 'report'
const MONTH = 31 * 86_400_000 // ms
const MIN_TEXT = 5
/** A reading worse than this names the wrong street: it is only where the map opens, until the person confirms. */
export const ROUGH_M = 500
/** Tells other tabs with the same draft which key has become a report. */
const SENT = 'yixian.report.sent'

/** Where a wrong field of the server is on the page. */
const controls = { '': 'submit', '/point': 'place', '/media_ids': 'photos', '/text': 'text', '/matter': 'matter', '/phone': 'phone', '/code': 'code', '/address': 'address' }

const blank = () => ({ key: uuid(), startedAt: Date.now(), point: undefined as Point | undefined, address: '', matter: undefined as Draft['matter'], text: '', anonymous: false, phone: '', placeCode: undefined as Draft['placeCode'] })

/** The server took nothing because nobody is signed in any more (a guest may not report: 403). */
export function needsSession(status: number | undefined): boolean {
  return status === 401 || status === 403
}

export function useReport(done: () => void) {
  const form = reactive({ ...blank(), code: '' })
  const errors = shallowRef<FormError[]>([])
  const state = ref<'editing' | 'sending'>('editing')
  const locating = ref(false)
  const locateFailed = ref(false)
  const place = shallowRef<Schemas['Place']>()
  const outside = ref(false)
  const restored = ref(false)
  /** Another tab has sent this very draft. */
  const sentElsewhere = ref(false)

  const photos = usePhotos({
    onChange: () => void save(),
    onPrepared: (photo) => {
      // The first photo that knows where it was taken wins over the phone's position, never over a choice.
      if (photo.point && (!form.point || form.point.source === 'gps')) form.point = { ...photo.point, source: 'photo' }
      else if (!form.point) void locate()
    },
  })
  const signedIn = computed(() => !!me.value && me.value.user.kind !== 'GUEST')
  /** A report that could not be sent: without a network, without a session, or refused with a reason. */
  const waiting = computed(() => entries.value.find((e) => e.group === GROUP))
  const rough = computed(() => form.point?.source === 'gps' && (form.point.accuracy_m ?? 0) > ROUGH_M)
  const empty = computed(() => photos.photos.length === 0 && !form.text && !form.matter)

  async function save(): Promise<void> {
    const { code: _code, ...kept } = form // a one-time code is worth nothing tomorrow
    // Plain copies: a reactive proxy cannot be stored.
    await drafts.put(DRAFT, { ...(JSON.parse(JSON.stringify(kept)) as typeof kept), photos: photos.saved() } satisfies Draft).catch(() => undefined)
  }

  async function restore(): Promise<void> {
    const draft = await drafts.get<Draft>(DRAFT).catch(() => undefined)
    if (!draft || (!draft.text && !draft.matter && draft.photos.length === 0)) return
    const { photos: saved, ...kept } = draft
    Object.assign(form, kept)
    photos.restore(saved)
    restored.value = true
  }

  async function clear(): Promise<void> {
    // The form first: taking the photos out saves the draft, and what it saves must not be what was sent.
    Object.assign(form, blank(), { code: '', point: form.point?.source === 'gps' ? form.point : undefined })
    photos.clear()
    restored.value = false
    errors.value = []
    await drafts.remove(DRAFT)
  }

  async function locate(): Promise<void> {
    if (locating.value) return
    locating.value = true
    locateFailed.value = false
    try {
      const fix = await whereAmI()
      if (!form.point || form.point.source === 'gps') form.point = { ...fix, source: 'gps' }
    } catch (e) {
      locateFailed.value = e instanceof NoPosition && !form.point
    } finally {
      locating.value = false
    }
  }

  /** A sticker's code says where, and often what. */
  async function scanned(token: string): Promise<void> {
    try {
      const found = await unwrap(api.GET('/place_codes/{id}', { params: { path: { id: token } } }))
      form.placeCode = { token: found.token, name: found.name }
      form.point = { lon: found.point.lon, lat: found.point.lat, source: 'code' }
      form.address = found.address || found.name
      if (found.matter && !form.matter) form.matter = { code: found.matter, name: found.matter_name ?? found.matter }
    } catch (cause) {
      errors.value = [{ field: 'place', text: asApiError(cause).message }]
    }
  }

  /** Names of the grid under the point; only the last answer counts. */
  let asked = 0
  watch(
    () => form.point && `${form.point.lon},${form.point.lat}`,
    async () => {
      const mine = ++asked
      const { point } = form
      place.value = undefined
      outside.value = false
      if (!point) return
      try {
        const found = await unwrap(api.GET('/locate', { params: { query: { lon: point.lon, lat: point.lat, datum: 'WGS84' } } }))
        if (mine === asked) place.value = found
      } catch (e) {
        if (mine === asked) outside.value = e instanceof ApiError && e.code === 'OUT_OF_AREA'
      }
    },
  )

  function check(): FormError[] {
    const list: FormError[] = []
    if (photos.photos.some((p) => p.hopeless)) list.push({ field: 'photos', text: t('errPhotoBad') })
    else if (photos.photos.length === 0 && [...form.text.trim()].length < MIN_TEXT) list.push({ field: 'photos', text: t('errPhotoOrText') })
    if (!form.point) list.push({ field: 'place', text: t('errPlace') })
    else if (outside.value) list.push({ field: 'place', text: t('errOutside') })
    else if (rough.value) list.push({ field: 'place', text: t('errRough') })
    return signedIn.value ? list : [...list, ...checkPhone()]
  }

  function checkPhone(): FormError[] {
    const list: FormError[] = []
    if (!/^1[3-9]\d{9}$/.test(form.phone)) list.push({ field: 'phone', text: t('errPhone') })
    if (!/^\d{6}$/.test(form.code)) list.push({ field: 'code', text: t('errCode') })
    return list
  }

  // What has been mended is said no longer; what is wrong anew waits for the next try.
  watch(
    () => check().map((e) => e.text),
    (now, before) => {
      const left = errors.value.filter((e) => now.includes(e.text) || !before.includes(e.text))
      if (left.length < errors.value.length) errors.value = left
    },
  )

  function body(): Schemas['ReportNew'] {
    const { source: _source, ...point } = form.point!
    return {
      point: { ...point, datum: 'WGS84' },
      ...(form.text.trim() ? { text: form.text.trim() } : {}),
      ...(form.matter ? { matter: form.matter.code } : {}),
      ...(form.address.trim() ? { address: form.address.trim() } : {}),
      ...(form.anonymous ? { anonymous: true } : {}),
      ...(form.placeCode ? { place_code: form.placeCode.token, source: 'PLACE_CODE' as const } : {}),
    }
  }

  /**
   * When the photo was taken, else when the form was begun; by this device's clock, never after now. A photo older than a
   * month is an old picture of it, or the camera's clock is wrong: it says nothing about when, and must not keep a report out.
   */
  function happenedAt(): number {
    const taken = photos.photos.map((p) => Date.parse(p.prepared?.takenAt ?? '')).find((at) => at > form.startedAt - MONTH)
    return Math.min(taken ?? form.startedAt, Date.now())
  }

  async function submit(): Promise<void> {
    if (state.value === 'sending') return
    errors.value = check()
    if (errors.value.length > 0) return
    state.value = 'sending'
    let fallback = 'submit'
    try {
      if (!signedIn.value) {
        fallback = 'code'
        await verifyCode(form.phone, form.code)
        fallback = 'submit'
      }
      await photosSettled()
      await save()
      const title = form.matter?.name ?? (form.text.slice(0, 20) || t('navReport'))
      const outcome = await post({
        id: form.key,
        group: GROUP,
        title,
        path: '/reports',
        body: body(),
        happened: { field: 'occurred_at', at: happenedAt() },
        photos: photos.saved().map(({ prepared, mediaId }) => ({ blob: prepared.blob, mediaId })),
      })
      if (outcome.kind === 'refused') throw outcome.error
      if (outcome.kind === 'waiting' && outcome.error.status === 401) {
        await discard(form.key)
        throw outcome.error
      }
    } catch (cause) {
      const error = asApiError(cause)
      if (entries.value.some((e) => e.id === form.key)) await discard(form.key)
      form.key = uuid() // nothing was created under the old key, and the next body may differ
      await save()
      // The session ended while the page was open: the phone is asked for again, right here.
      if (fallback === 'submit' && needsSession(error.status)) {
        await loadMe().catch(() => undefined)
        if (!signedIn.value) fallback = 'phone'
      }
      if (error.status === 0 && fallback === 'code') sendWhenOnline()
      else errors.value = toFormErrors(error, { ...controls, '': error.code === 'OUT_OF_AREA' ? 'place' : fallback })
    } finally {
      state.value = 'editing'
    }
  }

  /** Without a session the outbox could not send: the page itself waits for the network, the draft is kept. */
  function sendWhenOnline(): void {
    errors.value = [{ text: t('savedOffline') }]
    removeEventListener('online', submit)
    addEventListener('online', submit, { once: true })
  }

  /** Uploads under way are waited for; what failed goes with the outbox. */
  function photosSettled(): Promise<void> {
    return new Promise((resolve) => {
      const stop = watch(photos.busy, (busy) => {
        if (busy) return
        resolve()
        queueMicrotask(() => stop())
      }, { immediate: true })
    })
  }

  /** Takes a waiting report back into the form. */
  async function edit(): Promise<void> {
    const entry = waiting.value
    if (!entry) return
    await discard(entry.id)
    if (entry.id === form.key) form.key = uuid()
    await save()
  }

  /** Sends what waits, after signing in again where the old session has ended meanwhile. */
  async function sendNow(): Promise<void> {
    const entry = waiting.value
    if (!entry) return
    errors.value = []
    try {
      if (!signedIn.value && needsSession(entry.problem?.status)) {
        errors.value = checkPhone()
        if (errors.value.length > 0) return
        await verifyCode(form.phone, form.code)
      }
      await (entry.state === 'refused' ? retry(entry.id) : flush())
    } catch (cause) {
      errors.value = toFormErrors(asApiError(cause), { ...controls, '': 'code' })
    }
  }

  function onStorage(e: StorageEvent): void {
    if (e.key !== SENT) return
    if (e.newValue === form.key) sentElsewhere.value = true
    else if (!empty.value) void save() // the other tab has cleared the one place that drafts have
  }
  addEventListener('storage', onStorage)

  const stopListening = onOutcome((entry, outcome) => {
    if (entry.group !== GROUP || outcome.kind !== 'sent') return
    if (outcome.data) keepReceipt(outcome.data as Schemas['Receipt'])
    if (entry.id !== form.key && !empty.value) return // another tab's: what is being written here stays
    void clear().then(() => {
      localStorage.setItem(SENT, entry.id)
      done()
    })
  })

  let saving: ReturnType<typeof setTimeout> | undefined
  const stopSaving = watch(form, () => {
    clearTimeout(saving)
    saving = setTimeout(() => void save(), 400)
  })

  function dispose() {
    stopListening()
    removeEventListener('storage', onStorage)
    removeEventListener('online', submit)
    stopSaving()
    clearTimeout(saving)
  }

  return { form, photos, errors, state, place, outside, locating, locateFailed, restored, signedIn, waiting, rough, sentElsewhere, empty, check, save, restore, clear, locate, scanned, submit, edit, sendNow, dispose }
}

export type Report = ReturnType<typeof useReport>
