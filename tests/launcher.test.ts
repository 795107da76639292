import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { root, serves } from '../bin/launcher.mjs'

let folder: string
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'heddle-launcher-')))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function script(name: string, code: string): string {
  const file = join(folder, name)
  writeFileSync(file, code)
  return file
}

/** Node options that make a process take itself for another version of Node.js. */
function pretend(version: string): string {
  const code = `Object.defineProperty(process.versions, 'node', { value: '${version}' })`
  return `--import=data:text/javascript,${encodeURIComponent(code)}`
}

function run(args: readonly string[], options: { readonly home?: string; readonly version?: string } = {}) {
  return spawnSync(
    process.execPath,
    [
      ...(options.version === undefined ? [] : [pretend(options.version)]),
      join(options.home ?? root, 'bin/run.mjs'),
      ...args,
    ],
    { encoding: 'utf8', env: { ...process.env, NODE_COMPILE_CACHE: undefined } },
  )
}

it.each([
  ['18.20.0', false],
  ['20.20.2', false],
  ['22.12.0', false],
  ['22.17.9', false],
  ['22.18.0', true],
  ['23.11.0', false],
  ['24.0.0', true],
  ['26.1.0', true],
])('Node.js %s serves: %s', (version, expected) => {
  expect(serves(version)).toBe(expected)
})

it('runs a TypeScript file with its arguments and no warning', () => {
  const file = script(
    'hello.ts',
    `const words: readonly string[] = process.argv.slice(2)\nconsole.log(words.join('|'))`,
  )
  const { stdout, stderr, status } = run([file, 'a b', '--flag', ''])
  expect({ stdout, stderr, status }).toEqual({ stdout: 'a b|--flag|\n', stderr: '', status: 0 })
})

it('keeps compiled code for the next process', () => {
  const file = script('kept.ts', `console.log((await import('node:module')).getCompileCacheDir() ?? 'nowhere')`)
  expect(run([file]).stdout).toContain(join(root, 'node_modules', '.cache', 'heddle-code'))
})

it('hands the exit code through', () => {
  expect(run([script('seven.ts', 'process.exitCode = 7')]).status).toBe(7)
})

it('runs a command of an installed package', () => {
  expect(run(['--bin', 'typescript:tsc', '--version']).stdout).toMatch(/^Version \d/)
  expect(run(['--bin', 'prettier', '--version']).stdout).toMatch(/^\d/)
})

it.skipIf(process.platform === 'darwin')('lets the bundled Node.js take over from an old one', () => {
  const file = script('which.ts', `console.log(JSON.stringify([process.execPath, process.env['PATH']]))`)
  const [execPath, path] = JSON.parse(run([file], { version: '20.20.2' }).stdout) as [string, string]
  expect(execPath).toMatch(/node-(linux|win)-[^/\\]+[/\\]bin[/\\]node/)
  expect(realpathSync(path.split(delimiter)[0]!)).toBe(dirname(execPath))
})

it('says what to install where no Node.js serves', () => {
  const home = join(folder, 'bare')
  mkdirSync(home)
  cpSync(join(root, 'bin'), join(home, 'bin'), { recursive: true })
  const { stdout, stderr, status } = run([script('any.ts', '')], { home, version: '20.20.2' })
  expect(status).toBe(1)
  expect(stdout).toBe('')
  expect(stderr).toContain('Node.js 22.18 or newer is needed; this is 20.20.2')
  expect(stderr).toContain('install Node.js 24')
})

it.each([
  [[], 'no script was named'],
  [['missing.ts'], 'does not exist'],
  [['--bin'], 'not installed'],
  [['--bin', 'no-such-package'], 'no-such-package is not installed'],
  [['--bin', 'typescript:no-such-command'], 'no command no-such-command'],
])('refuses %j', (args, message) => {
  const { stderr, status } = run(args)
  expect(status).toBe(1)
  expect(stderr).toContain(message)
})

it.skipIf(process.platform === 'win32').each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  'passes %s on and ends as the command ends',
  async (signal) => {
    const deaf = script('default.ts', `setInterval(() => {}, 1000)\nconsole.log('ready')`)
    const tidy = script(
      'handles.ts',
      `setInterval(() => {}, 1000)\nprocess.on('${signal}', () => process.exit(42))\nconsole.log('ready')`,
    )
    const end = async (file: string): Promise<unknown> => {
      const child = spawn(process.execPath, [join(root, 'bin/run.mjs'), file], { stdio: ['ignore', 'pipe', 'inherit'] })
      const ended = new Promise((done) => child.on('exit', (code, by) => done(by ?? code)))
      child.stdout.once('data', () => child.kill(signal))
      return await ended
    }
    expect(await end(tidy)).toBe(42)
    expect(await end(deaf)).toBe(signal)
  },
)
