// The boxes of src/ and what each may import: the one table behind the ESLint rule and the structure test.
// Direction: core <- runtime, store <- api <- main; core <- renderer; types of the api <- preload, renderer.

import { posix } from 'node:path'

/**
 * What files of a box may import besides their own box.
 * @typedef {object} Box
 * @property {readonly string[]} boxes
 * @property {readonly string[]} [types] boxes of which only types may be imported
 * @property {'any' | 'none' | 'browser'} packages npm packages and node: modules; 'browser' is npm packages without node:
 */

const core = [
  'core',
  'graph',
  'ops',
  'passes',
  'onnx',
  'blocks',
  'model',
  'optim',
  'tasks',
  'plots',
  'search',
  'stats',
  'notebook',
].map((name) => (name === 'core' ? name : `core/${name}`))

/** @type {Readonly<Record<string, Box>>} */
export const BOXES = {
  // the files of src/core itself: errors, params, rng, entry, metrics
  core: { boxes: [], packages: 'none' },
  'core/graph': { boxes: ['core'], packages: 'none' },
  'core/ops': { boxes: ['core', 'core/graph'], packages: 'none' },
  'core/passes': { boxes: ['core', 'core/graph', 'core/ops'], packages: 'none' },
  'core/onnx': { boxes: ['core', 'core/graph', 'core/ops'], packages: 'none' },
  // what builds graphs speaks of their values and shapes
  'core/blocks': { boxes: ['core', 'core/graph', 'core/ops'], packages: 'none' },
  'core/model': { boxes: ['core', 'core/graph', 'core/ops', 'core/blocks'], packages: 'none' },
  'core/optim': {
    boxes: ['core', 'core/graph', 'core/ops', 'core/passes', 'core/blocks', 'core/model'],
    packages: 'none',
  },
  'core/tasks': { boxes: ['core'], packages: 'none' },
  'core/stats': { boxes: ['core'], packages: 'none' },
  'core/search': { boxes: ['core', 'core/blocks', 'core/model', 'core/stats'], packages: 'none' },
  // plots are pure data to marks; d3 computes scales and paths
  'core/plots': { boxes: ['core', 'core/blocks', 'core/model', 'core/stats'], packages: 'browser' },
  // cells speak of stacks, runs, searches; their text is YAML
  'core/notebook': {
    boxes: [
      'core',
      'core/graph',
      'core/ops',
      'core/passes',
      'core/blocks',
      'core/model',
      'core/optim',
      'core/search',
      'core/stats',
      'core/plots',
    ],
    packages: 'browser',
  },
  'main/runtime': { boxes: core, packages: 'any' },
  'main/store': { boxes: core, packages: 'any' },
  'main/api': { boxes: [...core, 'main/runtime', 'main/store'], packages: 'any' },
  // carriers: they move frames between screens and the workbench
  'main/serve': { boxes: ['core', 'main', 'main/api'], packages: 'any' },
  // the files of src/main itself: index, runner, cli, quickstart
  main: {
    boxes: [...core, 'main/runtime', 'main/store', 'main/api', 'main/cli', 'main/report', 'main/serve'],
    packages: 'any',
  },
  'main/cli': {
    boxes: [...core, 'main', 'main/runtime', 'main/store', 'main/api', 'main/report', 'main/serve'],
    packages: 'any',
  },
  'main/report': { boxes: [...core, 'main', 'main/store', 'main/api'], packages: 'any' },
  preload: { boxes: [], types: ['main/api'], packages: 'browser' },
  renderer: { boxes: core, types: ['main/api'], packages: 'browser' },
}

/** Packages that only some files may import; `where` says so in words. */
const RESERVED = [
  { name: /^better-sqlite3$/, files: /^src\/main\/store\//, where: 'src/main/store' },
  { name: /^(onnxruntime-|koffi$)/, files: /^src\/main\/runtime\//, where: 'src/main/runtime' },
  {
    name: /^electron$/,
    files: /^src\/(main\/(index\.ts$|electron)|preload\/)/,
    where: 'src/main/index.ts, src/main/electron* and src/preload',
  },
]

/**
 * The box of a file, or undefined outside src/.
 * @param {string} file path from the repository's root, with forward slashes
 */
export function boxOf(file) {
  const [top, process, folder, ...rest] = file.split('/')
  if (top !== 'src' || process === undefined || folder === undefined) return undefined
  if (process !== 'core' && process !== 'main') return process
  if (rest.length === 0 || (process === 'main' && folder.startsWith('electron'))) return process
  return `${process}/${folder}`
}

/**
 * The file that an import names, from the repository's root, or undefined for a package.
 * @param {string} file
 * @param {string} specifier
 */
export function targetOf(file, specifier) {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(file), specifier)
  return /^#(core|main)\//.test(specifier) ? `src/${specifier.slice(1)}` : undefined
}

/**
 * Why a file may not import something, in one sentence, or undefined if it may.
 * @param {string} file path from the repository's root
 * @param {string} specifier as written in the import
 * @param {boolean} typeOnly erased before running: `import type`
 * @returns {string | undefined}
 */
export function forbidden(file, specifier, typeOnly) {
  const from = boxOf(file)
  if (from === undefined) return undefined
  const box = BOXES[from]
  if (box === undefined) return `${file} is in no known box: add ${from} to scripts/lint/boxes.js`
  const target = targetOf(file, specifier)
  if (target === undefined) return forbiddenPackage(file, from, box, specifier)
  const to = boxOf(target)
  if (to === from || (to !== undefined && box.boxes.includes(to))) return undefined
  if (to !== undefined && box.types?.includes(to)) {
    return typeOnly ? undefined : `${file} is in box ${from}, which may import only types of ${to}: write import type`
  }
  return `${file} is in box ${from} and must not import ${specifier} (${to ?? 'outside src'}): ${allowed(box)}`
}

/**
 * @param {string} file
 * @param {string} from
 * @param {Box} box
 * @param {string} specifier
 */
function forbiddenPackage(file, from, box, specifier) {
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  const reserved = RESERVED.find((rule) => rule.name.test(name))
  if (reserved !== undefined && !reserved.files.test(file))
    return `${file} is in box ${from} and must not import ${specifier}: only ${reserved.where} may`
  const refused = box.packages === 'none' || (box.packages === 'browser' && specifier.startsWith('node:'))
  return refused ? `${file} is in box ${from} and must not import ${specifier}: ${allowed(box)}` : undefined
}

/** @param {Box} box */
function allowed(box) {
  const boxes = ['its own files', ...box.boxes, ...(box.types ?? []).map((name) => `types of ${name}`)]
  const packages = { any: ', and packages', none: '; no packages and no node:', browser: ', and packages but no node:' }
  return `it may import ${boxes.join(', ')}${packages[box.packages]}`
}
