// A corpus of 200 MB goes through a process whose memory stays small. The process is one of its own, so that nothing but
// the streaming is measured.

import { spawnSync } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryFolder } from './folder.ts'

const folder = temporaryFolder()
const MEGABYTES = 200

it(`streams ${MEGABYTES} MB with less than 150 MB of memory`, () => {
  const path = join(folder, 'large.jsonl')
  const file = openSync(path, 'w')
  const text = 'the warp and the weft of the loom '.repeat(30)
  for (let line = 0, portion = ''; line < MEGABYTES * 1000; line++) {
    portion += `${JSON.stringify({ text: `${line} ${text}`.slice(0, 988) })}\n`
    if (line % 1000 === 999) {
      writeSync(file, portion)
      portion = ''
    }
  }
  closeSync(file)
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'stream-corpus.ts'), path, join(folder, 'cache')],
    {
      encoding: 'utf8',
    },
  )
  expect(stderr).toBe('')
  const { growthBytes, tokens, bytes } = JSON.parse(stdout) as Record<'growthBytes' | 'tokens' | 'bytes', number>
  expect(bytes).toBe(MEGABYTES * 1000 * 988)
  // each document and the beginning of each split has an end-of-document token more
  expect(tokens).toBe(bytes + MEGABYTES * 1000 + 2)
  expect(growthBytes).toBeLessThan(150e6)
})
