// The `heddle` command as a process: what it prints, what it refuses and how.

import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { countSpec } from '#core/model/counts.ts'
import { resolveSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import { decodeModel } from '#core/onnx/decode.ts'
import { openOrt } from '#main/runtime/targets/ort-api.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-cli-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string, content: string | Uint8Array = ''): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

interface Run {
  readonly code: number
  readonly out: string
  readonly err: string
}

const heddle = (...args: string[]): Promise<Run> =>
  new Promise((resolve) => {
    const program = join(import.meta.dirname, '../bin/heddle.mjs')
    const options = {
      cwd: folder,
      timeout: 60_000,
      maxBuffer: 2 ** 26,
      env: { ...process.env, XDG_CACHE_HOME: folder },
    }
    const child = execFile(process.execPath, [program, ...args], options, (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    )
  })

describe('heddle teaches', () => {
  it('every command explains itself with examples and all its flags', async () => {
    const { out } = await heddle('--help')
    const names = [...out.matchAll(/^ {2}heddle (\S+)/gm)].map((m) => m[1]!)
    expect(names).toEqual(expect.arrayContaining(['devices', 'show', 'lower', 'train', 'profile', 'export', 'docs']))
    for (const name of names) {
      const help = await heddle(name, '--help')
      expect(help.code, name).toBe(0)
      for (const part of ['Examples', 'Flags', '--json', `heddle ${name}`]) expect(help.out, name).toContain(part)
    }
  }, 60_000)

  it('prints reference pages', async () => {
    expect((await heddle('docs', 'm2')).out).toMatch(/arXiv 2405\.21060[\s\S]*dState/)
    expect((await heddle('docs', 'errors')).out).toContain('train-diverged')
  })
})

describe('heddle answers', () => {
  it('show --json gives derived counts', async () => {
    const { out, code } = await heddle('show', 'd f m2 f a{window: 64} f', '--json', '--context', '128')
    const json = JSON.parse(out) as Record<string, unknown>
    const counts = countSpec(resolveSpec(parseSpecText('d f m2 f a{window: 64} f')), 128)
    expect(code).toBe(0)
    expect(json).toMatchObject({
      params: counts.params,
      paramsByBlock: counts.paramsByBlock,
      flopsPerToken: counts.prefillFlopsPerToken,
      stateBytes: counts.stateBytes,
    })
    expect((await heddle('show', 'nemotron-flash-1b')).out).toContain('965.4 M')
  })

  it('lower --trace prints the graph after every pass, devices every target', async () => {
    const { out } = await heddle('lower', 'd f', '--phase', 'decode', '--trace')
    expect([...out.matchAll(/^# after (\w+)/gm)].map((m) => m[1])).toEqual(['lower', 'decompose', 'fold', 'cse', 'dce'])
    const { targets } = JSON.parse((await heddle('devices', '--json')).out) as { targets: Record<string, unknown>[] }
    expect(targets.map((t) => t['kind'])).toEqual(['ort-cpu', 'ort-webgpu', 'ort-cuda', 'reference'])
    for (const t of targets) expect(t['availability']).toHaveProperty('isAvailable')
  })

  it('export writes models that onnx runtime opens, with readable names and their origin', async () => {
    const { code, err } = await heddle(
      'export',
      '{dModel: 32, vocabSize: 64} d f a f',
      '--out',
      'build',
      '--format',
      'all',
      '--seq-len',
      '16',
    )
    expect({ code, err }).toEqual({ code: 0, err: '' })
    for (const phase of ['prefill', 'decode', 'train']) {
      const bytes = readFileSync(join(folder, 'build', `${phase}.onnx`))
      openOrt().createSession(bytes, { threads: 1, optimization: 'basic' }).release()
      const model = decodeModel(bytes)
      expect(model.graph.nodes.some((n) => n.name?.startsWith('L00.mixer.deltanet/'))).toBe(true)
      const metadata = Object.fromEntries((model.metadataProps ?? []).map(({ key, value }) => [key, value]))
      expect(metadata).toMatchObject({ 'heddle.phase': phase, 'heddle.seed': '1' })
      expect(JSON.parse(metadata['heddle.spec']!)).toHaveProperty('blocks')
    }
  })

  it('trains into a project that checks out, in plain lines where nobody looks', async () => {
    const flags = [
      '--task',
      'induction',
      '--seq-len',
      '32',
      '--batch-size',
      '4',
      '--steps',
      '4',
      '--validation-tokens',
      '128',
    ]
    const run = await heddle('train', '{dModel: 16, vocabSize: 128} a{headDim: 8} f', ...flags, '--project', 'p.heddle')
    expect(run.code, run.err).toBe(0)
    expect(run.out).toMatch(/done: 4 steps.*accuracy/)
    expect(run.err).not.toContain('\u001b')
    const check = await heddle('project', 'check', 'p.heddle')
    expect(check.code).toBe(0)
    expect(JSON.parse(check.out)).toMatchObject({ ok: true, rows: { runs: 1 } })
  }, 60_000)
})

describe('heddle refuses', () => {
  const deep = `${'('.repeat(50)}d${')x2'.repeat(50)}`
  const cases: readonly [string, () => string[], number, RegExp][] = [
    ['an unknown command', () => ['frobnicate'], 2, /unknown command "frobnicate"[\s\S]*commands:/],
    ['an unknown flag', () => ['show', 'd f', '--colour'], 2, /--colour/],
    ['an unknown block, with its place', () => ['show', 'd f q'], 2, /unknown block "q"\n {2}at 1:5/],
    [
      'impossible dimensions',
      () => ['show', '{dModel: 100} a{headDim: 64}'],
      1,
      /headDim \(64\) must divide dModel \(100\)[\s\S]*at blocks\[0\]\.params\.headDim/,
    ],
    ['10,000 layers', () => ['show', '(d f)x5000'], 1, /repeat \(5000\)|at most/],
    ['deep nesting', () => ['show', deep], 2, /nested/],
    ['a value out of range', () => ['train', 'd f', '--steps', '0'], 2, /steps \(0\) must be an integer from 1/],
    ['a file that is not JSON', () => ['show', file('bad.json', '{"heddle": 1,')], 1, /not JSON/],
    ['a wrong version', () => ['show', file('new.json', '{"heddle": 9, "blocks": []}')], 1, /version 9 cannot be read/],
    [
      'polluting keys',
      () => ['show', file('proto.json', '{"heddle": 1, "blocks": [], "__proto__": {"x": 1}}')],
      1,
      /unknown field "__proto__"/,
    ],
    ['a missing file', () => ['show', 'nothing.json'], 1, /there is no file nothing\.json/],
    ['a missing corpus', () => ['train', 'd f', '--data', 'nowhere'], 1, /nowhere/],
    [
      'a binary corpus',
      () => ['train', '{vocabSize: 257} d f', '--tokenizer', 'bytes', '--data', file('b.txt', new Uint8Array(9999))],
      1,
      /b\.txt/,
    ],
    [
      'an empty corpus',
      () => ['train', '{vocabSize: 257} d f', '--tokenizer', 'bytes', '--data', file('e.txt')],
      1,
      /empty/,
    ],
    [
      'a wrong field',
      () => [
        'train',
        '{vocabSize: 257} d f',
        '--tokenizer',
        'bytes',
        '--data',
        file('f.jsonl', '{"body": "x"}\n'),
        '--field',
        'text',
      ],
      1,
      /text[\s\S]*body/,
    ],
    [
      'a project that is none',
      () => ['project', 'export', file('n.heddle', 'no database'), '--table', 'runs', '--out', 'x.csv'],
      1,
      /n\.heddle|database|project/,
    ],
  ]
  it.for(cases)('%s', { timeout: 60_000 }, async ([, args, code, message]) => {
    const run = await heddle(...args())
    expect(run.err).toMatch(message)
    expect(run.err).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m)
    expect(run.code).toBe(code)
  })

  it('leaves a checkpoint alone that it cannot resume from, and says errors as JSON', async () => {
    const path = file('c.safetensors', Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 127, 1, 2, 3))
    const before = readFileSync(path)
    const task = ['--task', 'induction', '--seq-len', '32', '--steps', '2', '--batch-size', '2']
    const run = await heddle(
      'train',
      '{dModel: 16, vocabSize: 128} a{headDim: 8} f',
      ...task,
      '--resume',
      path,
      '--checkpoint',
      path,
      '--json',
    )
    expect(run.code).toBe(1)
    expect(JSON.parse(run.out)).toMatchObject({ error: { code: 'file-invalid' } })
    expect(readFileSync(path)).toEqual(before)
  })
})
