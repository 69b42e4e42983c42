// Three apps, three separately tree-shaken builds into one dist/: a resident on a slow phone never loads
// what only the desk needs. `vite build --app` runs them one after the other, then precompresses.
import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { extname, join, resolve } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import vue from '@vitejs/plugin-vue'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

const root = import.meta.dirname
const dist = resolve(root, 'dist')
const apps = { resident: 'index.html', worker: 'w/index.html', desk: 'desk/index.html' }

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
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  environments: Object.fromEntries(
    Object.entries(apps).map(([name, html]) => [
      name,
      { consumer: 'client' as const, build: { rollupOptions: { input: resolve(root, html) } } },
    ]),
  ),
  builder: {
    async buildApp(builder) {
      clearDist()
      for (const name of Object.keys(apps)) await builder.build(builder.environments[name]!)
      precompress(dist)
    },
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.ts'],
    restoreMocks: true,
    environmentOptions: { happyDOM: { url: 'http://localhost/' } },
  },
})
