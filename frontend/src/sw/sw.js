// The field app without a network: its shell and every chunk are kept at installation, so that it starts in a cellar.
// What it shows there comes from the page's own store; nothing of the API is kept here, and no other page of the
// program is touched. Written for Chrome 92: no modules, no build step but the two names below.
/* global self, caches, fetch, URL */
const VERSION = '__VERSION__'
const FILES = __FILES__
const NAME = 'yixian-w-' + VERSION
const SHELL = '/w/'

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()))
})

self.addEventListener('activate', (event) => {
  const old = (names) => Promise.all(names.filter((n) => n.startsWith('yixian-w-') && n !== NAME).map((n) => caches.delete(n)))
  event.waitUntil(caches.keys().then(old).then(() => self.clients.claim()))
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== self.location.origin || url.pathname.startsWith('/api/')) return
  if (request.mode === 'navigate') {
    // A page that is reachable is always the fresh one; the kept shell is for when it is not.
    if (url.pathname.startsWith('/w')) event.respondWith(fetch(request).catch(() => caches.match(SHELL, { cacheName: NAME })))
    return
  }
  if (FILES.includes(url.pathname)) event.respondWith(caches.match(url.pathname, { cacheName: NAME }).then((hit) => hit || fetch(request)))
})

// Web Push: the text is ours, the page that opens is the inbox.
self.addEventListener('push', (event) => {
  let message = {}
  try {
    message = event.data ? event.data.json() : {}
  } catch (e) {
    message = { text: event.data ? event.data.text() : String(e) }
  }
  event.waitUntil(self.registration.showNotification(message.title || '一线', { body: message.text || '', tag: message.id, icon: '/w/icon-192.png', lang: 'zh-CN' }))
})

self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(
    self.clients.matchAll({ type: 'window', includeUncontrolled: true }).then((open) => {
      const page = open.find((c) => new URL(c.url).pathname.startsWith('/w/'))
      return page ? page.focus() : self.clients.openWindow('/w/inbox')
    }),
  )
})
