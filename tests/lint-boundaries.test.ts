import { Linter } from 'eslint'
import tseslint from 'typescript-eslint'
import { describe, expect, it } from 'vitest'
import { boundaries } from '../scripts/lint/boundaries.js'

const config: Linter.Config[] = [
  {
    files: ['**/*.ts'],
    languageOptions: { parser: tseslint.parser as Linter.Parser },
    plugins: { heddle: { rules: { boundaries } } },
    rules: { 'heddle/boundaries': 'error' },
  },
]

function lint(file: string, code: string): string[] {
  const linter = new Linter({ cwd: '/repository', configType: 'flat' })
  return linter.verify(code, config, { filename: `/repository/${file}` }).map((finding) => finding.message)
}

describe('allowed imports', () => {
  it.each([
    ['src/core/graph/verify.ts', `import { HeddleError } from '../errors.ts'`],
    ['src/core/graph/verify.ts', `import { print } from './print.ts'`],
    ['src/core/ops/fused/attention.ts', `import type { Graph } from '#core/graph/types.ts'`],
    ['src/core/passes/grad.ts', `import { ops } from '#core/ops/index.ts'`],
    ['src/core/search/random.ts', `import { spearman } from '../stats/rank.ts'`],
    ['src/main/runtime/train.ts', `import { lower } from '#core/model/lower.ts'; import { readFile } from 'node:fs'`],
    ['src/main/runtime/targets/ort.ts', `import * as ort from 'onnxruntime-node'`],
    ['src/main/runtime/targets/cuda/driver.ts', `import koffi from 'koffi'`],
    ['src/main/store/db.ts', `import Database from 'better-sqlite3'`],
    [
      'src/main/api/search.ts',
      `import { trials } from '../store/trials.ts'; import { link } from '../runtime/link.ts'`,
    ],
    ['src/main/cli.ts', `import { api } from './api/index.ts'`],
    ['src/main/index.ts', `import { app } from 'electron'`],
    ['src/main/electron/window.ts', `import { BrowserWindow } from 'electron'`],
    ['src/preload/index.ts', `import { contextBridge } from 'electron'; import type { Api } from '#main/api/index.ts'`],
    ['src/renderer/client.ts', `import type { Api } from '#main/api/index.ts'`],
    ['src/renderer/plots/pareto.ts', `import { front } from '#core/stats/pareto.ts'; import { scaleLinear } from 'd3'`],
    ['tests/any.test.ts', `import { db } from '../src/main/store/db.ts'; import 'better-sqlite3'`],
  ])('%s: %s', (file, code) => {
    expect(lint(file, code)).toEqual([])
  })
})

describe('forbidden imports', () => {
  it.each([
    ['src/core/graph/verify.ts', `import { add } from '../ops/index.ts'`, 'core/ops'],
    ['src/core/graph/verify.ts', `import type { Op } from '#core/ops/index.ts'`, 'core/ops'],
    ['src/core/errors.ts', `import { print } from './graph/print.ts'`, 'core/graph'],
    ['src/core/ops/index.ts', `export { grad } from '../passes/grad.ts'`, 'core/passes'],
    ['src/core/ops/index.ts', `export * from '#core/blocks/index.ts'`, 'core/blocks'],
    ['src/core/stats/rank.ts', `import { lower } from '../model/lower.ts'`, 'core/model'],
    ['src/core/tasks/copy.ts', `import { GraphBuilder } from '../ops/index.ts'`, 'core/ops'],
    ['src/core/tasks/copy.ts', `import { readFile } from 'node:fs'`, 'node:fs'],
    ['src/core/tasks/copy.ts', `import fc from 'fast-check'`, 'fast-check'],
    ['src/core/blocks/ffn.ts', `import { grad } from '../passes/grad.ts'`, 'core/passes'],
    ['src/core/blocks/ffn.ts', `import type { Model } from '../model/spec.ts'`, 'core/model'],
    ['src/core/model/lower.ts', `import { train } from '#main/runtime/train.ts'`, 'main/runtime'],
    ['src/core/model/lower.ts', `import '../../../tests/helpers/source.ts'`, 'outside src'],
    ['src/main/runtime/train.ts', `import { trials } from '../store/trials.ts'`, 'main/store'],
    ['src/main/runtime/train.ts', `const api = await import('#main/api/index.ts')`, 'main/api'],
    ['src/main/runtime/train.ts', `let api: import('../api/index.ts').Api`, 'main/api'],
    ['src/main/runtime/data/text.ts', `import Database from 'better-sqlite3'`, 'only src/main/store may'],
    ['src/main/store/db.ts', `import { link } from '../runtime/link.ts'`, 'main/runtime'],
    ['src/main/store/db.ts', `const ort = require('onnxruntime-node')`, 'only src/main/runtime may'],
    ['src/main/api/specs.ts', `import { app } from 'electron'`, 'only src/main/index.ts'],
    ['src/main/api/specs.ts', `import { main } from '../cli.ts'`, 'main'],
    ['src/main/cli.ts', `import { app } from 'electron/main'`, 'only src/main/index.ts'],
    ['src/main/cli.ts', `import App from '../renderer/App.ts'`, 'renderer'],
    ['src/preload/index.ts', `import { api } from '#main/api/index.ts'`, 'write import type'],
    ['src/preload/index.ts', `import { type Api } from '#main/api/index.ts'`, 'write import type'],
    ['src/renderer/client.ts', `import { api } from '#main/api/index.ts'`, 'write import type'],
    ['src/renderer/client.ts', `import type { Row } from '#main/store/trials.ts'`, 'main/store'],
    ['src/renderer/client.ts', `import { readFile } from 'node:fs/promises'`, 'node:fs'],
    ['src/core/gadgets/index.ts', `import '../errors.ts'`, 'add core/gadgets'],
  ])('%s: %s', (file, code, word) => {
    const messages = lint(file, code)
    expect(messages).toHaveLength(1)
    expect(messages[0]).toContain(file)
    expect(messages[0]).toContain(word)
  })
})

it('names the box, the import and the allowed boxes', () => {
  expect(lint('src/core/passes/cse.ts', `import { blocks } from '#core/blocks/index.ts'`)).toEqual([
    'src/core/passes/cse.ts is in box core/passes and must not import #core/blocks/index.ts (core/blocks): ' +
      'it may import its own files, core, core/graph, core/ops; no packages and no node:',
  ])
})
