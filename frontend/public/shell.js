// Before the first paint: whether this phone can be shown the first page at once (src/resident/shell.ts), in its light. Words are Chinese
// and letters of normal size there; who chose otherwise, or comes for another page, waits for the program.
{
  const root = document.documentElement
  const asked = new URLSearchParams(location.search)
  const chosen = (key) => localStorage.getItem('yixian.' + key)
  const theme = chosen('theme')
  const plain = location.pathname === '/' && !asked.has('elder') && !asked.has('kiosk') && !chosen('kiosk') && (chosen('text') ?? 'normal') === 'normal'
  if (plain && (asked.get('lang') ?? chosen('locale') ?? 'zh') === 'zh') {
    if (theme === 'dark' || (theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)) root.dataset.theme = 'dark'
    root.dataset.shell = ''
    // A program that does not come must not leave a picture of itself: below lies the way without it.
    const give = () => delete root.dataset.shell
    addEventListener('error', (e) => e.target instanceof HTMLScriptElement && give(), true)
    setTimeout(give, 15_000)
  }
}
