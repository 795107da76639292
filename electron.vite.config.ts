import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'electron-vite'
import { join } from 'node:path'

const screens = join(import.meta.dirname, 'src/renderer')

export default defineConfig({
  renderer: {
    root: screens,
    base: './',
    plugins: [svelte()],
    // a font inside a style sheet would be a data address, which the content security policy refuses
    build: { assetsInlineLimit: 0, rollupOptions: { input: join(screens, 'index.html') } },
  },
})
