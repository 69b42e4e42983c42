// Fetches, while the program is on its way over the line, the page where nearly every visit begins, who holds this phone and what that
// person has to do; the program's client takes the answers (src/shared/api/client.ts). The build names the files (vite.config.ts).
for (const file of '__PAGES__'[location.pathname] ?? []) {
  const style = file.endsWith('.css')
  document.head.append(Object.assign(document.createElement('link'), { rel: style ? 'preload' : 'modulepreload', as: style ? 'style' : 'script', crossOrigin: '', href: file }))
}
// A program that does not come: said in the place where it was to be.
addEventListener('error', (e) => {
  const line = document.querySelector('#app > .coming')
  if (line && e.target instanceof HTMLScriptElement) line.textContent = '没能打开，请检查网络后刷新 / Could not open: check the network and reload'
}, true)
if (location.pathname === '/w/') {
  const lang = new URLSearchParams(location.search).get('lang') || localStorage.getItem('yixian.locale')
  const ask = (path) => fetch('/api/v1' + path, { headers: { 'Accept-Language': lang === 'en' ? 'en' : 'zh-CN' } }).catch(() => undefined)
  window.yixianEarly = { '/me': ask('/me'), '/tasks?limit=50': ask('/tasks?limit=50') }
}
