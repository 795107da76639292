import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'electron-vite'
import { join } from 'node:path'
import type { Plugin } from 'vite'

const source = join(import.meta.dirname, 'src')
const screens = join(source, 'renderer')

/** Has the page ask for the first view along with the program, and not when the program has begun. */
const FIRST_VIEW = 'LibraryView'
const preloadFirstView: Plugin = {
  name: 'preload-first-view',
  transformIndexHtml: {
    order: 'post',
    handler(_, { bundle, chunk: entry }) {
      const chunks = Object.values(bundle ?? {}).filter((file) => file.type === 'chunk')
      const view = chunks.find(({ name, isDynamicEntry }) => isDynamicEntry && name === FIRST_VIEW)
      if (view === undefined) throw new Error(`there is no chunk ${FIRST_VIEW} to preload`)
      const reached = (files: readonly string[]): string[] =>
        files.flatMap((file) => [file, ...reached(chunks.find(({ fileName }) => fileName === file)?.imports ?? [])])
      const known = new Set(reached(entry === undefined ? [] : [entry.fileName]))
      const wanted = new Set(reached([view.fileName]))
      const lacking = chunks.filter(({ fileName }) => wanted.has(fileName) && !known.has(fileName))
      const styles = lacking.flatMap(({ viteMetadata }) => [...(viteMetadata?.importedCss ?? [])])
      const link = (attrs: Record<string, string | true>) => ({ tag: 'link', attrs, injectTo: 'head' as const })
      return [
        ...lacking.map(({ fileName }) => link({ rel: 'modulepreload', crossorigin: true, href: `./${fileName}` })),
        ...styles.map((fileName) => link({ rel: 'preload', as: 'style', crossorigin: true, href: `./${fileName}` })),
      ]
    },
  },
}

export default defineConfig({
  main: {
    build: {
      // files keep their places, out/main for src/main: what they find relative to themselves stays where it is
      rollupOptions: {
        input: {
          'main/index': join(source, 'main/index.ts'),
          'main/runner': join(source, 'main/runner.ts'),
          'main/runtime/weights/worker': join(source, 'main/runtime/weights/worker.ts'),
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
    plugins: [svelte(), preloadFirstView],
    // a font inside a style sheet would be a data address, which the content security policy refuses
    build: { assetsInlineLimit: 0, minify: true, rollupOptions: { input: join(screens, 'index.html') } },
  },
})
