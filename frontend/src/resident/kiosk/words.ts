import { defineMessages } from '@/shared/i18n'

const zh = {
  kiosk: '自助终端',
  end: '结束使用',
  print: '打印回执',
  idleTitle: '您还在吗？',
  idleText: '{n} 秒后清空本页内容，回到首页。',
  stay: '我还在',
  become: '把这台设备设为自助终端？本机上的登录、草稿和收据会清空，以后每次使用后也会清空。',
} as const
const en: Record<keyof typeof zh, string> = {
  kiosk: 'Self-service terminal',
  end: 'Finish',
  print: 'Print the receipt',
  idleTitle: 'Are you still there?',
  idleText: 'In {n} seconds this page is cleared and starts again.',
  stay: 'I am here',
  become: 'Make this device a self-service terminal? Its sign-in, drafts and receipts are cleared now and after every use.',
}

/** t() of the terminal's bar; its words lie in the terminal's own chunk. */
export const t = defineMessages(zh, () => Promise.resolve({ default: en }))
