// The first page as it stands before anything is known, made while building (scripts/shell.ts): a phone shows it as soon as the styles
// have come and until the program draws the same.
import { createSSRApp } from 'vue'
import { renderToString } from 'vue/server-renderer'
import App from './App.vue'
import { picture } from './picture'

export const firstPage = async (): Promise<string> => picture(await renderToString(createSSRApp(App)))
