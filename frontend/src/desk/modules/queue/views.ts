// Filters somebody gave a name to, on this device. A view is an address: to share it, send the link.
import { ref } from 'vue'

export interface View {
  name: string
  query: Record<string, string>
}

const KEY = 'yixian.desk.views'
const MOST = 20
const NOT_KEPT = ['lang']

function read(): View[] {
  try {
    const list = JSON.parse(localStorage.getItem(KEY) ?? '[]') as View[]
    return Array.isArray(list) ? list.filter((v) => typeof v?.name === 'string' && v.query && typeof v.query === 'object').slice(0, MOST) : []
  } catch {
    return []
  }
}

export const views = ref<View[]>(read())

function write(list: View[]) {
  views.value = list
  localStorage.setItem(KEY, JSON.stringify(list))
}

/** Keeps the filters under a name; the same name replaces. */
export function keepView(name: string, query: Record<string, unknown>): void {
  const kept = Object.fromEntries(Object.entries(query).filter((e): e is [string, string] => typeof e[1] === 'string' && e[1] !== '' && !NOT_KEPT.includes(e[0])))
  write([...views.value.filter((v) => v.name !== name), { name: name.slice(0, 20), query: kept }].slice(-MOST))
}

export function dropView(name: string): void {
  write(views.value.filter((v) => v.name !== name))
}

/** Whether the address is exactly that view. */
export function isView(view: View, query: Record<string, unknown>): boolean {
  const now = Object.entries(query).filter(([k, v]) => typeof v === 'string' && v !== '' && !NOT_KEPT.includes(k))
  return now.length === Object.keys(view.query).length && now.every(([k, v]) => view.query[k] === v)
}
