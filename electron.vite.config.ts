import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'electron-vite'
import { join } from 'node:path'

const from = (path: string): string => join(import.meta.dirname, path)

export default defineConfig({
  main: {
    build: {
      rollupOptions: { input: { index: from('src/main/index.ts'), runner: from('src/main/runner.ts') } },
    },
  },
  preload: {
    // a sandboxed window loads its preload script as CommonJS only
    build: {
      rollupOptions: { input: from('src/preload/index.ts'), output: { format: 'cjs', entryFileNames: '[name].cjs' } },
    },
  },
  renderer: {
    root: from('src/renderer'),
    base: './',
    plugins: [svelte()],
    build: {
      outDir: from('out/renderer'),
      // fonts and images stay files: the content security policy lets no font be a data address
      assetsInlineLimit: 0,
      chunkSizeWarningLimit: 2000,
      rollupOptions: { input: from('src/renderer/index.html') },
    },
  },
})
