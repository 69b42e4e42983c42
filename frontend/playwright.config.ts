// Journeys in a real Chromium against a running program: YIXIAN_URL names it (make test starts one).
import { defineConfig } from '@playwright/test'

export default defineConfig({
  testDir: 'e2e',
  timeout: 300_000,
  expect: { timeout: 30_000 }, // a busy machine may be slow; what never comes still fails
  workers: 1, // one program, one clock: journeys take turns
  reporter: 'list',
  use: {
    baseURL: process.env.YIXIAN_URL ?? 'http://127.0.0.1:8080',
    actionTimeout: 60_000, // what cannot be pressed within a minute never can
    locale: 'zh-CN',
    timezoneId: 'Asia/Shanghai',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    },
    trace: 'retain-on-failure',
  },
})
