// What every app does before it is mounted.
import { startI18n } from './i18n'
import { startPrefs, startTheme } from './prefs'

/** @param dark the app has a dark side and follows the device */
export async function start({ dark = false } = {}): Promise<void> {
  startPrefs()
  if (dark) startTheme()
  reloadOnceWhenOutdated()
  await startI18n()
  await breath()
}

/** Lets the browser draw and take presses between two long pieces of work. */
export function breath(): Promise<void> {
  return new Promise((go) => {
    const channel = new MessageChannel()
    channel.port1.onmessage = () => {
      channel.port1.close()
      go()
    }
    channel.port2.postMessage(0)
  })
}

/** Lets what was made be drawn and pressed first; waits a second at most. */
export function idle(): Promise<void> {
  return new Promise((go) => ('requestIdleCallback' in window ? requestIdleCallback(() => go(), { timeout: 1_000 }) : setTimeout(go, 200)))
}

/** Takes away the picture of the first page, if one stood there (public/shell.js): the program has drawn the same. */
export function showProgram(): void {
  // In a frame of its own: laying out the page is not one piece of work with making it.
  requestAnimationFrame(() => {
    delete document.documentElement.dataset.shell
    document.getElementById('shell')?.remove()
  })
}

/** A tab from before an update asks for a chunk that is gone (404): one reload gets the new version. */
function reloadOnceWhenOutdated(): void {
  const KEY = 'yixian.reloaded'
  addEventListener('vite:preloadError', () => {
    const last = Number(sessionStorage.getItem(KEY))
    if (Date.now() - last < 60_000) return // a reload did not help: let the page show its error
    // Without a network the chunk is missing as well, and a reload would take away the page that is left.
    void fetch(location.href, { method: 'HEAD', cache: 'no-store' }).then(() => {
      sessionStorage.setItem(KEY, String(Date.now()))
      location.reload()
    }, () => undefined)
  })
}
