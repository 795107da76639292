// Keeps the shape of the repository: who imports whom, complete registries, small files, no machine's names.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from '../scripts/commands.ts'
import { fileSizes, repositoryFiles, summarize } from '../scripts/files.ts'
import { BOXES, boxOf, forbidden, targetOf } from '../scripts/lint/boxes.js'
import { importsOf, literalsOf, parse } from './helpers/source.ts'

const files = repositoryFiles()
const sources = files
  .filter((path) => /^src\/.*\.(ts|svelte)$/.test(path))
  .map((path) => ({ path, tree: parse(path, readFileSync(join(root, path), 'utf8')) }))

/** Fails with one line per finding and the way out. */
function expectNone(findings: readonly string[], fix: string): void {
  expect(findings.length, `${findings.join('\n')}\n\n${fix}`).toBe(0)
}

/** One line per box: the boxes that its files import. */
function importGraph(): string {
  const edges = new Map<string, Set<string>>()
  for (const { path, tree } of sources) {
    const from = boxOf(path) ?? path
    const to = edges.get(from) ?? new Set()
    edges.set(from, to)
    for (const { specifier } of importsOf(tree)) {
      const target = targetOf(path, specifier)
      const box = target === undefined ? specifier : (boxOf(target) ?? target)
      if (box !== from) to.add(box)
    }
  }
  return [...edges].map(([from, to]) => `  ${from} -> ${[...to].sort().join(', ') || 'nothing'}`).join('\n')
}

it('imports follow the direction of the boxes', () => {
  expect(sources.length).toBeGreaterThan(0)
  const findings = sources.flatMap(({ path, tree }) =>
    importsOf(tree).flatMap(({ specifier, typeOnly }) => forbidden(path, specifier, typeOnly) ?? []),
  )
  expectNone(
    findings,
    `the import graph:\n${importGraph()}\n\nmove the code to a box that may import it, or change the table in scripts/lint/boxes.js`,
  )
})

it('every folder of src/core and src/main is in the table of boxes', () => {
  const unknown = [...new Set(sources.map(({ path }) => boxOf(path)))].filter(
    (box) => box !== undefined && BOXES[box] === undefined,
  )
  expectNone(unknown.map(String), 'add a row to scripts/lint/boxes.js that says what the folder may import')
})

// code on the level of graphs names operations, and some blocks and operations share a name
const GRAPH_LEVEL = /^src\/(core\/(blocks|graph|ops|passes|onnx)|main\/runtime\/targets)\//

it('no block kind is written outside src/core/blocks', async (test) => {
  const registry = join(root, 'src/core/blocks/index.ts')
  if (!existsSync(registry)) return test.skip('src/core/blocks/index.ts does not exist yet')
  const { blocks } = (await import(registry)) as { readonly blocks: readonly { readonly kind: string }[] }
  const kinds = new Set(blocks.map((block) => block.kind))
  expect(kinds.size, 'src/core/blocks/index.ts must export the list `blocks`').toBeGreaterThan(0)
  const findings = sources
    .filter(({ path }) => !GRAPH_LEVEL.test(path))
    .flatMap(({ path, tree }) =>
      literalsOf(tree)
        .filter(({ text }) => kinds.has(text))
        .map(({ text, line }) => `${path}:${line} holds the block kind '${text}'`),
    )
  expectNone(findings, 'let the block say what differs (a field of its entry) instead of asking for its kind')
})

/** The registries: each folder's index.ts lists its entries, one file each. `helpers` are the files that hold none. */
const REGISTRIES = [
  { folder: 'src/core/ops', helpers: ['reverse.ts'] },
  { folder: 'src/core/blocks', helpers: ['init.ts', 'shared.ts'] },
  { folder: 'src/core/tasks', helpers: ['sampling.ts'] },
  { folder: 'src/core/search', helpers: [] },
  { folder: 'src/core/notebook/cells', helpers: [] },
  {
    folder: 'src/core/optim',
    helpers: ['first-values.ts', 'schedule.ts', 'train-config.ts', 'train-program.ts', 'weight-norm.ts'],
  },
  {
    folder: 'src/main/runtime/targets',
    helpers: [
      'ort.ts',
      'ort-api.ts',
      'ort-binding.ts',
      'ort-library.ts',
      'ort-native.ts',
      'ort-providers.ts',
      'ort-tensor.ts',
      'ort-trace.ts',
    ],
  },
] as const satisfies readonly { readonly folder: string; readonly helpers: readonly string[] }[]

it.for(REGISTRIES)('the index of $folder imports every entry', ({ folder, helpers }, test) => {
  const path = `${folder}/index.ts`
  const others = files
    .filter(
      (file) => file !== path && file.startsWith(`${folder}/`) && /^[^/]+\.ts$/.test(file.slice(folder.length + 1)),
    )
    .map((file) => file.slice(folder.length + 1))
  if (others.length === 0) return test.skip(`${folder} holds no entry yet`)
  const index = sources.find((source) => source.path === path)
  expect(index, `${path} must list the entries of its folder`).toBeDefined()
  const imported = new Set(importsOf(index!.tree).map(({ specifier }) => targetOf(path, specifier)))
  const names: readonly string[] = helpers
  expectNone(
    others.filter((name) => !imported.has(`${folder}/${name}`) && !names.includes(name)),
    `list these in ${path}; a file without an entry goes into the table of helpers in this test`,
  )
  expectNone(
    names.filter((name) => !others.includes(name)),
    'these helpers do not exist: take them out of the table in this test',
  )
})

it('no file has more than 500 lines', () => {
  const long = fileSizes().filter((size) => size.lines > 500)
  expectNone(
    long.map(({ path, lines }) => `${path} has ${lines} lines`),
    'divide the file where it holds two ideas',
  )
})

it('no folder has more than 15 files', () => {
  const folders = Map.groupBy(
    fileSizes().filter((size) => size.folder !== '.'),
    (size) => size.folder,
  )
  const full = [...folders].filter(([, sizes]) => sizes.length > 15)
  expectNone(
    full.map(([folder, sizes]) => `${folder} has ${sizes.length} files`),
    'group the files that belong together in a subfolder',
  )
})

it('the files of src are short on the whole', () => {
  const { median, p90 } = summarize(fileSizes().filter((size) => size.path.startsWith('src/')))
  const advice = 'npm run sizes lists them by folder; divide the longest'
  expect(median, `the median file of src has ${median} lines: ${advice}`).toBeLessThanOrEqual(120)
  expect(p90, `one file in ten of src has ${p90} lines or more: ${advice}`).toBeLessThanOrEqual(350)
})

it('no file names a machine or a registry', () => {
  // put together here so that this file does not hold the words itself
  const folder = (name: string): RegExp => new RegExp(`(?<![\\w.*-])/${name}/`)
  const words = [folder('work'), folder('root'), new RegExp(['registry', '(npmjs|yarnpkg)'].join('\\.'))]
  const findings = files.flatMap((path) => {
    const content = readFileSync(join(root, path))
    if (content.includes(0)) return []
    return content
      .toString('utf8')
      .split('\n')
      .flatMap((line, i) => words.filter((word) => word.test(line)).map((word) => `${path}:${i + 1} matches ${word}`))
  })
  expectNone(findings, 'use paths relative to the repository, temporary folders, and package names')
})

it('the lock file holds no address to download from', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly resolved?: string }>>
  }
  expectNone(
    Object.entries(lock.packages).flatMap(([name, { resolved }]) =>
      resolved === undefined ? [] : [`${name}: ${resolved}`],
    ),
    'delete package-lock.json and run npm install: .npmrc leaves addresses out',
  )
})
