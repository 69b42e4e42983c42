// Three apps, three separately tree-shaken builds into one dist/: a resident on a slow phone never loads
// what only the desk needs. `vite build --app` runs them one after the other, then precompresses.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { extname, join, resolve } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import vue from '@vitejs/plugin-vue'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'
import { drawShell } from './scripts/shell.ts'

const root = import.meta.dirname
const dist = resolve(root, 'dist')
const shell = resolve(root, 'node_modules/.yixian-shell')
const apps = { resident: 'index.html', worker: 'w/index.html', desk: 'desk/index.html' }

/** What a page needs before it works is one file: ten small ones are ten round trips over two kinds of queue on a slow line. */
const FIRST = { name: 'first', priority: 2, tags: ['$initial' as const] }
/** The page on which the field begins is one as well, and does not wait for what only its other pages share. */
const TASKS = { name: 'tasks', priority: 1, test: /worker\/(pages\/TasksPage|parts\/(TaskCard|TimeLeft|LoadError)|next|place|useTasks)\b|ui\/(ErrorSummary|EmptyState|SkeletonList|MoreButton|StatusTag|DrillTag)\b|[iI]nfiniteQuery/ }
/** So are the small parts that most pages of the field share; the map and the reading of photos stay by themselves. */
const FIELD = { name: 'field', minShareCount: 3, test: (id: string) => !/leaflet|exifr|\/idb\/|shared\/(map|photo)|MapPick/.test(id) }

/** Everything goes but .keep, which is tracked so that go:embed finds the folder on a clean checkout. */
function clearDist() {
  for (const name of readdirSync(dist)) if (name !== '.keep') rmSync(join(dist, name), { recursive: true })
}

/** Writes .br and .gz beside every text file that becomes smaller by it. */
function precompress(dir: string) {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name)
    if (statSync(path).isDirectory()) precompress(path)
    else if (['.html', '.js', '.css', '.svg', '.json', '.webmanifest', '.txt'].includes(extname(name))) {
      const raw = readFileSync(path)
      const br = brotliCompressSync(raw, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: raw.length } })
      const gz = gzipSync(raw, { level: 9 })
      if (br.length < raw.length) writeFileSync(path + '.br', br)
      if (gz.length < raw.length) writeFileSync(path + '.gz', gz)
    }
  }
}

/**
 * What a page needs before it works is nearly all called at once: a browser that reads this line (Chromium 136 on) compiles it beside the
 * page while it arrives, instead of function by function while the person waits. Others see a comment.
 */
function compiledAtOnce() {
  for (const name of readdirSync(join(dist, 'assets'))) {
    if (!/^(index|tasks)-.*\.js$/.test(name)) continue
    const path = join(dist, 'assets', name)
    writeFileSync(path, '//# allFunctionsCalledOnLoad\n' + readFileSync(path, 'utf8'))
  }
}

/** Names in early.js the files of the pages on which a visit to the field begins: the chunk itself, what it imports and its styles. */
function earlyPages() {
  const read = (name: string) => readFileSync(join(dist, 'assets', name), 'utf8')
  const entry = /\/assets\/([\w.-]+\.js)/.exec(readFileSync(join(dist, 'w/index.html'), 'utf8'))![1]!
  const named = [...new Set(read(entry).match(/[\w.-]+\.(?:js|css)\b/g))] // the desk has a sign-in page as well
  const filesOf = (chunk: string) => {
    const first = named.filter((name) => name.startsWith(chunk + '-'))
    if (first.length === 0) throw new Error(`the field's program names no ${chunk}`)
    const code = first.filter((name) => name.endsWith('.js')).map(read).join()
    const imported = [...code.matchAll(/(?:from|import)\s*["'`]\.\/([\w.-]+\.js)["'`]/g)].map((m) => m[1]!).filter((name) => name !== entry)
    return [...new Set([...first, ...imported])].map((name) => '/assets/' + name)
  }
  const path = join(dist, 'w/early.js')
  writeFileSync(path, readFileSync(path, 'utf8').replace("'__PAGES__'", JSON.stringify({ '/w/': filesOf(TASKS.name), '/w/sign-in': filesOf('SignInPage') })))
}

/**
 * The service worker of the field app, with the list of what it keeps: the shell and every chunk that can be reached
 * from it, behind import() as well. Its version is a hash of them, so that equal builds are equal.
 */
function serviceWorker() {
  const shell = readFileSync(join(dist, 'w/index.html'), 'utf8')
  const found = new Set<string>()
  const visit = (text: string) => {
    for (const m of text.matchAll(/(?:\.\/|\/?assets\/)([\w.-]+\.(?:js|css))["'`]/g)) {
      const path = join(dist, 'assets', m[1]!)
      if (found.has(m[1]!) || !existsSync(path)) continue
      found.add(m[1]!)
      if (path.endsWith('.js')) visit(readFileSync(path, 'utf8'))
    }
  }
  visit(shell)
  const files = ['/w/', '/w/early.js', '/icon.svg', '/w/manifest.webmanifest', '/w/icon-192.png', ...[...found].sort().map((name) => '/assets/' + name)]
  const version = createHash('sha256').update(shell).update(readFileSync(join(dist, 'w/early.js'))).update(files.join()).digest('hex').slice(0, 12)
  const code = readFileSync(resolve(root, 'src/sw/sw.js'), 'utf8').replace("'__VERSION__'", JSON.stringify(version)).replace('__FILES__', JSON.stringify(files))
  writeFileSync(join(dist, 'w/sw.js'), code)
}

/** In development /w/… and /desk/… fall back to their own shell, as the Go server does. */
function devShells(): Plugin {
  return {
    name: 'yixian-dev-shells',
    configureServer(server) {
      server.middlewares.use((req, _res, next) => {
        const path = (req.url ?? '/').split('?')[0]!
        if (req.headers.accept?.includes('text/html') && !extname(path)) {
          const shell = path.startsWith('/desk') ? '/desk/' : /^\/w(\/|$)/.test(path) ? '/w/' : '/'
          req.url = shell + 'index.html'
        }
        next()
      })
    },
  }
}

export default defineConfig({
  root,
  appType: 'mpa',
  plugins: [vue(), devShells()],
  resolve: { alias: { '@': resolve(root, 'src') } },
  define: { __VUE_OPTIONS_API__: 'false', __VUE_PROD_DEVTOOLS__: 'false', __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false' },
  server: { proxy: { '/api': process.env.YIXIAN_API ?? 'http://127.0.0.1:8080' } },
  build: {
    outDir: dist,
    emptyOutDir: false,
    target: ['chrome92', 'safari15.4', 'firefox91'],
    cssTarget: ['chrome92', 'safari15.4', 'firefox91'],
    assetsInlineLimit: 0, // the CSP allows no data: scripts or styles
    // The page's own chunks are preloaded, and those on which the field begins; naming those of every lazy page in the entry costs
    // more than it wins.
    modulePreload: { polyfill: false, resolveDependencies: (_file, deps, { hostType }) => (hostType === 'html' ? deps : deps.filter((d) => d.endsWith('.css') || /\/(tasks|rolldown-runtime)-/.test(d))) },
    reportCompressedSize: false,
  },
  environments: {
    ...Object.fromEntries(
      Object.entries(apps).map(([name, html]) => [
        name,
        { consumer: 'client' as const, build: { rollupOptions: { input: resolve(root, html), output: { codeSplitting: { groups: name === 'worker' ? [FIRST, TASKS, FIELD] : [FIRST] } } } } },
      ]),
    ),
    shell: { consumer: 'server' as const, build: { ssr: true, outDir: shell, copyPublicDir: false, rollupOptions: { input: resolve(root, 'src/resident/shell.ts') } } },
  },
  builder: {
    async buildApp(builder) {
      clearDist()
      for (const name of Object.keys(apps)) await builder.build(builder.environments[name]!)
      await builder.build(builder.environments.shell!)
      await drawShell(dist, shell)
      compiledAtOnce()
      earlyPages()
      serviceWorker()
      precompress(dist)
    },
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.ts'],
    restoreMocks: true,
    testTimeout: 30_000, // the first import of a page compiles it; a busy machine takes longer than five seconds
    environmentOptions: { happyDOM: { url: 'http://localhost/' } },
  },
})
