// `node scripts/train-tokenizer.ts`: writes resources/tokenizer/sotu-4096.json, trained on the documents of the demo corpus
// that are not held out with the default seed. `--check` only compares.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { openCorpus } from '../src/main/runtime/data/corpus.ts'
import { DEFAULT_SPLIT, splitPoint } from '../src/main/runtime/data/split.ts'
import { trainBytePairs } from '../src/main/runtime/data/tokenizers/train-bpe.ts'
import { root } from './commands.ts'

const target = join(root, 'resources', 'tokenizer', 'sotu-4096.json')

const texts: string[] = []
for await (const document of await openCorpus('demo')) {
  const isHeldOut = splitPoint(DEFAULT_SPLIT.seed, document) < DEFAULT_SPLIT.heldOut
  if (!isHeldOut && typeof document.content === 'string') texts.push(document.content)
}
const written = `${JSON.stringify(trainBytePairs(texts, 4096), null, 1)}\n`

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== written)
    throw new Error(`${target} is not what the demo corpus gives: run this without --check`)
} else {
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(`${target}.tmp`, written)
  renameSync(`${target}.tmp`, target)
}
console.log(`${target}: ${texts.length} documents, ${Buffer.byteLength(written)} bytes`)
