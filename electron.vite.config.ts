import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'electron-vite'
import { join } from 'node:path'

const screens = join(import.meta.dirname, 'src/renderer')

export default defineConfig({
  renderer: {
    root: screens,
    base: './',
    plugins: [svelte()],
    build: { rollupOptions: { input: join(screens, 'index.html') } },
  },
})
