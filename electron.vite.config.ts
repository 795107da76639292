import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'electron-vite'
import { join } from 'node:path'

const source = join(import.meta.dirname, 'src')
const screens = join(source, 'renderer')

export default defineConfig({
  main: {
    build: {
      // files keep their places, out/main for src/main: what they find relative to themselves stays where it is
      rollupOptions: {
        input: {
          'main/index': join(source, 'main/index.ts'),
          'main/runner': join(source, 'main/runner.ts'),
          'main/store/query/child': join(source, 'main/store/query/child.ts'),
        },
        output: { dir: 'out', preserveModules: true, preserveModulesRoot: source, entryFileNames: '[name].js' },
      },
      emptyOutDir: false,
    },
  },
  preload: {
    build: {
      // a sandboxed window reads CommonJS only
      rollupOptions: {
        input: join(source, 'preload/index.ts'),
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: screens,
    base: './',
    plugins: [svelte()],
    // a font inside a style sheet would be a data address, which the content security policy refuses
    build: { assetsInlineLimit: 0, minify: true, rollupOptions: { input: join(screens, 'index.html') } },
  },
})
