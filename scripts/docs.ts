// `npm run docs` writes the reference pages of resources/docs; `npm run docs -- --check` fails when they are stale.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { encodeUtf8 } from '#core/utf8.ts'
import { writeFileAtomic } from '#main/runtime/files.ts'
import { docPages, docsFolder, staleDocs } from './docs-pages.ts'

const args = process.argv.slice(2)
if (args.some((arg) => arg !== '--check')) {
  console.error(`usage: npm run docs [-- --check], got ${args.join(' ')}`)
  process.exitCode = 2
} else if (args.length > 0) {
  const stale = staleDocs(docPages(), docsFolder)
  console.log(stale.length === 0 ? 'resources/docs is fresh' : `${stale.join('\n')}\nnpm run docs writes them`)
  process.exitCode = stale.length === 0 ? 0 : 1
} else {
  mkdirSync(docsFolder, { recursive: true })
  for (const [file, text] of docPages()) {
    await writeFileAtomic(join(docsFolder, file), [encodeUtf8(text)])
    console.log(`resources/docs/${file}: ${text.split('\n').length - 1} lines`)
  }
}
