// Typed messages without a library: zh-CN is bundled, English is loaded when chosen. Each app owns a
// zh.ts and an en.ts; en is Record<keyof typeof zh, string>, so a missing translation does not compile.
import { computed, ref, shallowReactive } from 'vue'

export type Locale = 'zh' | 'en'
type Params = Record<string, string | number>
type Catalogue = { load: () => Promise<Record<string, string>>; en?: Record<string, string> }

const KEY = 'yixian.locale'
const catalogues: Catalogue[] = []
const current = ref<Locale>('zh')

export const locale = computed(() => current.value)

/** What stands between the members of a list, and after what introduces something, in the language of the page. */
export const comma = () => (current.value === 'en' ? ', ' : '、')
export const colon = () => (current.value === 'en' ? ': ' : '：')

/** Makes the t() of one part of the program. Call it once per zh.ts, at module level. */
export function defineMessages<M extends Record<string, string>>(zh: M, load: () => Promise<{ default: Record<keyof M, string> }>) {
  const catalogue: Catalogue = shallowReactive({ load: async () => (await load()).default, en: undefined })
  catalogues.push(catalogue)
  // Part of the program that comes after the language was chosen.
  if (current.value === 'en') void catalogue.load().then((en) => (catalogue.en = en)).catch(() => undefined)
  return function t(key: keyof M & string, params?: Params): string {
    const text = (current.value === 'en' && catalogue.en?.[key]) || zh[key]!
    return params ? fill(text, params) : text
  }
}

function fill(text: string, params: Params): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in params ? String(params[name]) : whole))
}

/** Switches every catalogue at once; the choice is kept on this device. */
export async function setLocale(next: Locale): Promise<void> {
  if (next === 'en') await Promise.all(catalogues.map(async (c) => (c.en ??= await c.load())))
  current.value = next
  document.documentElement.lang = next === 'zh' ? 'zh-CN' : 'en'
  localStorage.setItem(KEY, next)
}

/** Restores the choice before the app is mounted: ?lang=en wins, then the device's choice, else Chinese. */
export async function startI18n(search = location.search): Promise<void> {
  const asked = new URLSearchParams(search).get('lang') ?? localStorage.getItem(KEY)
  if (asked === 'en' || asked === 'zh') await setLocale(asked)
}
