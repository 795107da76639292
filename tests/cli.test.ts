// The `heddle` command as a process: what it prints, what it refuses and how.

import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema } from 'onnx-buf'
import { afterAll, describe, expect, it } from 'vitest'
import { countSpec } from '#core/model/counts.ts'
import { resolveSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import type { Command } from '#main/cli/command.ts'
import { kebab } from '#main/cli/command.ts'
import { openOrt } from '#main/runtime/targets/ort-api.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import { readCurve } from '#main/store/metrics.ts'
import { listRuns } from '#main/store/runs.ts'
import { HEDDLE_VERSION } from '#main/version.ts'

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

const program = join(import.meta.dirname, '../bin/heddle.mjs')
const env = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') }

const heddle = (...args: string[]): Promise<Run> =>
  new Promise((resolve) => {
    const options = { cwd: folder, timeout: 60_000, maxBuffer: 2 ** 26, env }
    const child = execFile(process.execPath, [program, ...args], options, (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    )
  })

/** The commands out of the modules of src/main/cli, however they are registered. */
async function commandsOfModules(): Promise<Map<string, Command>> {
  const root = join(import.meta.dirname, '../src/main/cli')
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'))
  const modules = await Promise.all(paths.map((path) => import(join(root, path)) as Promise<Record<string, unknown>>))
  const isCommand = (value: unknown): value is Command =>
    typeof value === 'object' && value !== null && 'run' in value && 'usage' in value
  return new Map(
    modules
      .flatMap((module) => Object.values(module))
      .filter(isCommand)
      .map((command) => [command.name, command]),
  )
}

/** The flags of a tiny run of a task. */
const TINY = '--task induction --seq-len 32 --batch-size 4 --validation-tokens 128 --threads 1'.split(' ')
const TINY_SPEC = '{dModel: 16, vocabSize: 128} a{headDim: 8} f'

describe('heddle teaches', () => {
  it('every command explains itself with examples and all its flags', async () => {
    const { out } = await heddle('--help')
    const names = [...out.matchAll(/^ {2}heddle (\S+)/gm)].map((m) => m[1]!)
    expect(names).toEqual(expect.arrayContaining(['devices', 'show', 'lower', 'train', 'profile', 'export', 'docs']))
    const commands = await commandsOfModules()
    expect([...commands.keys()].sort()).toEqual([...names].sort())
    const helps = await Promise.all(names.map((name) => heddle(name, '--help')))
    for (const [i, name] of names.entries()) {
      const { flags, params, summary, examples } = commands.get(name)!
      const { code, out: help } = helps[i]!
      expect(code, name).toBe(0)
      const switches = Object.entries(params ?? {}).map(
        ([key, p]) => `--${p.type === 'flag' ? '[no-]' : ''}${kebab(key)}`,
      )
      const own = Object.keys(flags ?? {}).map((flag) => `--${flag}`)
      for (const flag of ['--json', '--quiet', '--help', ...own, ...switches])
        expect(help, `${name} ${flag}`).toMatch(new RegExp(`^  ${flag.replace(/[[\]]/g, '\\$&')}( .*)? {2,}\\S`, 'm'))
      for (const part of [summary, 'Examples\n', 'Flags\n', ...examples.map((e) => `  heddle ${e}\n`)])
        expect(help, name).toContain(part)
      expect(examples.length, name).toBeGreaterThan(0)
    }
  }, 60_000)

  it('prints its version, and help with exit code 2 where no command is given', async () => {
    expect(await heddle('--version')).toEqual({ code: 0, out: `${HEDDLE_VERSION}\n`, err: '' })
    const none = await heddle()
    expect(none).toMatchObject({ code: 2, err: '' })
    expect(none.out).toBe((await heddle('help')).out)
  })

  it('prints reference pages', async () => {
    expect((await heddle('docs', 'm2')).out).toMatch(/arXiv 2405\.21060[\s\S]*dState/)
    expect((await heddle('docs', 'errors')).out).toContain('train-diverged')
    expect((await heddle('docs')).out).toMatch(/^blocks[\s\S]*^tasks[\s\S]*^optimisers/m)
    const searching = (await heddle('docs', 'search')).out
    for (const part of ['aging-evolution', 'tournamentSize', 'strict', 'widthTargetMs'])
      expect(searching).toContain(part)
    expect(JSON.parse((await heddle('docs', 'm2', '--json')).out)).toMatchObject({
      kind: 'mamba2',
      symbol: 'm2',
      params: { dState: { type: 'integer', default: 128 } },
    })
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
    expect(targets.map((t) => t['kind'])).toEqual([
      'ort-cpu',
      'ort-webgpu',
      'ort-cuda',
      'cuda',
      'cuda-f16',
      'cuda-tf32',
      'cuda-f32',
      'reference',
    ])
    for (const t of targets) expect(t['availability']).toHaveProperty('isAvailable')
  })

  it('export writes models that onnx runtime opens, with readable names and their origin', async () => {
    const text = '{dModel: 32, vocabSize: 64} d f m2{headDim: 8, dState: 8} f a{headDim: 8} f'
    const flags = '--out build --format all --seq-len 16 --prompt-len 16 --context 32 --seed 7 --json'.split(' ')
    const { code, err, out } = await heddle('export', text, ...flags)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const names = ['prefill.onnx', 'decode.onnx', 'train.onnx', 'model.safetensors', 'config.json']
    expect(JSON.parse(out)).toEqual({ paths: names.map((name) => join('build', name)) })
    expect(readdirSync(join(folder, 'build')).sort()).toEqual([...names].sort())
    const { params } = countSpec(resolveSpec(parseSpecText(text)), 32)
    for (const phase of ['prefill', 'decode', 'train']) {
      const bytes = readFileSync(join(folder, 'build', `${phase}.onnx`))
      const session = openOrt().createSession(bytes, { threads: 1, optimization: 'basic' })
      const { graph, metadataProps, producerVersion } = fromBinary(ModelProtoSchema, bytes)
      expect(session.inputs.map(({ name }) => name)).toEqual(graph!.input.map(({ name }) => name))
      expect(session.outputs.map(({ name }) => name)).toEqual(graph!.output.map(({ name }) => name))
      session.release()
      const scopes = new Set(graph!.node.map(({ name }) => name!.split('/')[0]!))
      for (const scope of ['L00.mixer.deltanet', 'L01.mixer.ffn', 'L02.mixer.mamba2', 'L04.mixer.attention', 'head'])
        expect(scopes, phase).toContain(scope)
      const metadata = Object.fromEntries(metadataProps.map(({ key, value }) => [key, value!]))
      expect(producerVersion).toBe(HEDDLE_VERSION)
      expect(metadata).toMatchObject({ 'heddle.phase': phase, 'heddle.seed': '7', 'heddle.version': HEDDLE_VERSION })
      expect(JSON.parse(metadata['heddle.spec']!)).toEqual(parseSpecText(text))
      const bindings = JSON.parse(metadata['heddle.bindings']!) as { input: string; output: string }[]
      const inputs = new Set(graph!.input.map(({ name }) => name))
      const outputs = new Set(graph!.output.map(({ name }) => name))
      expect(bindings.every(({ input, output }) => inputs.has(input!) && outputs.has(output!))).toBe(true)
      expect(bindings.length > 0).toBe(phase !== 'prefill')
      // the weights are inside the models of inference, and at least those
      const held = graph!.initializer.reduce((sum, t) => sum + t.dims.reduce((n, d) => n * Number(d), 1), 0)
      if (phase === 'train') expect(held).toBeLessThan(params)
      else expect(held).toBeGreaterThanOrEqual(params)
    }
  })

  it('trains into a project that checks out, in plain lines where nobody looks', async () => {
    const run = await heddle('train', TINY_SPEC, ...TINY, '--steps', '4', '--name', 'first', '--project', 'p.heddle')
    expect(run.code, run.err).toBe(0)
    expect(run.out).toMatch(/^done: 4 steps.*accuracy\n$/)
    // no escapes, nothing redrawn: whole lines that say how far it is
    expect(run.err).not.toMatch(/[\r\u001b]/)
    expect(run.err).toMatch(/^train {2}\d\/4 steps/m)
    expect(run.err).toMatch(/^step 4 {2}loss \d/m)
    const check = await heddle('project', 'check', 'p.heddle')
    expect(check.code).toBe(0)
    expect(JSON.parse(check.out)).toMatchObject({ ok: true, rows: { runs: 1 } })

    const project = openProject(join(folder, 'p.heddle'), { readonly: true })
    try {
      const [stored, ...more] = listRuns(project)
      expect(more).toEqual([])
      expect(stored).toMatchObject({ name: 'first', state: 'done', config: { run: { steps: 4, batchSize: 4 } } })
      const loss = readCurve(project, stored!.id, 'loss')
      expect(Array.from(loss.steps)).toEqual([1, 2, 3, 4])
      expect(Array.from(loss.values).every((x) => x > 0 && Number.isFinite(x))).toBe(true)
      expect(Array.from(readCurve(project, stored!.id, 'valLoss').steps)).toEqual([4])
    } finally {
      closeProject(project)
    }
  }, 60_000)

  it('resumes from a checkpoint, and takes a stored configuration', async () => {
    const flags = [...TINY, '--json', '--checkpoint', 'run.safetensors']
    const first = await heddle('train', TINY_SPEC, ...flags, '--steps', '2')
    const { config, steps } = JSON.parse(first.out) as { config: object; steps: number }
    expect(steps).toBe(2)
    expect(first.err).toBe('')
    const path = file('run.json', JSON.stringify(config))
    const second = await heddle('train', '--config', path, '--steps', '4', '--resume', 'run.safetensors', '--json')
    expect(second.code, second.out).toBe(0)
    expect(JSON.parse(second.out)).toMatchObject({ state: 'done', steps: 4, config: { ...config, run: { steps: 4 } } })
    const exported = await heddle('export', TINY_SPEC, '--out', 'trained', '--checkpoint', 'run.safetensors')
    expect(exported.code, exported.err).toBe(0)
  }, 60_000)

  it('continues a text, the same for the same seed', async () => {
    const spec = TINY_SPEC.replace('128', '257')
    expect((await heddle('train', spec, ...TINY, '--checkpoint', 'bytes.safetensors', '--steps', '1')).code).toBe(0)
    const write = ['generate', '--checkpoint', 'bytes.safetensors', '--tokenizer', 'bytes', '--prompt', 'My fellow']
    const text = await heddle(...write, '--tokens', '5', '--samples', '2', '--json')
    expect(text.code, text.err).toBe(0)
    const { tokens, texts } = JSON.parse(text.out) as { tokens: number[][]; texts: string[] }
    expect([texts.length, ...tokens.map((own) => own.length)]).toEqual([2, 5, 5])
    const again = await heddle(...write, '--tokens', '5', '--samples', '2', '--json')
    expect(again.out).toBe(text.out)
  }, 60_000)

  it('ends a diverged run with exit code 3 and a sentence', async () => {
    const run = await heddle('train', TINY_SPEC, ...TINY, '--steps', '9', '--lr', '10', '--warmup', '0', '--quiet')
    expect(run).toMatchObject({ code: 3, err: '' })
    expect(run.out).toMatch(/^failed: diverged at step \d, lr \d.*\n {2}lower the learning rate/)
  })

  it('ends with exit code 130 when interrupted, and the project says cancelled', async () => {
    const args = ['train', TINY_SPEC, ...TINY, '--steps', '100000', '--project', 'cancelled.heddle']
    const child = spawn(process.execPath, [program, ...args], { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] })
    let err = ''
    let isInterrupted = false
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString()
      if (isInterrupted || !err.includes('train  ')) return
      isInterrupted = true
      child.kill('SIGINT')
      // as where a terminal signals the launcher and the program, and the launcher passes it on
      setTimeout(() => child.kill('SIGINT'), 50)
    })
    const code = await new Promise((resolve) => child.on('exit', resolve))
    expect(err).toContain('cancelled')
    expect(code).toBe(130)
    const project = openProject(join(folder, 'cancelled.heddle'), { readonly: true })
    expect(listRuns(project).map(({ state }) => state)).toEqual(['cancelled'])
    closeProject(project)
  }, 60_000)

  it('profiles stacks and says what was measured', async () => {
    const flags = '--prompt-len 8 --context 16 --max-seconds 1 --max-relative-width 1 --threads 1 --quiet'.split(' ')
    const { code, out, err } = await heddle('profile', TINY_SPEC, '{dModel: 16} d f', ...flags)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^ort-cpu on .*, 1 threads, batch 1, prompt 8, context 16; floor /)
    expect(out.match(/^(a\{headDim: 8\} f|d f) +(prefill|decode) +[\d.]+ ms \[[\d.]+, [\d.]+\]/gm)).toHaveLength(4)
  }, 60_000)
})

describe('heddle search', () => {
  const SPACE = { dModels: [16, 32], maxBlocks: 3, model: { vocabSize: 257 }, mixers: ['attention'] }
  const flags =
    '--latency predicted --widest --max tpotMs=50 --objectives valLoss,tpotMs --trials 3 --table-seconds 0.3'
  const small = '--steps 2 --batch-size 2 --seq-len 16 --validation-tokens 32 --finalists 2 --json'

  it('predicts, measures the finalists, and answers about the study without running anything', async () => {
    file('space.json', JSON.stringify(SPACE))
    const project = ['--project', 'search.heddle']
    const run = await heddle('search', ...project, '--space', 'space.json', ...`${flags} ${small}`.split(' '))
    expect(run.code, run.err).toBe(0)
    const { study, trials, finalists, winner } = JSON.parse(run.out) as {
      study: number
      trials: { number: number; metrics: Record<string, number>; genome: { dModel: number } }[]
      finalists: { number: number; predicted: { tpotMs: number }; measured: { tpotMs: { p50Ms: number } } }[]
      winner: number
    }
    expect(trials).toHaveLength(3)
    // the target is far away: every stack is as wide as the space allows
    for (const { genome, metrics } of trials) {
      expect(genome.dModel).toBe(32)
      expect(metrics['predictedTpotMs']).toBeGreaterThan(0)
      expect(metrics).not.toHaveProperty('tpotMs')
    }
    for (const { predicted, measured } of finalists) {
      expect(predicted.tpotMs).toBeGreaterThan(0)
      expect(measured.tpotMs.p50Ms).toBeGreaterThan(0)
    }
    expect(finalists.map(({ number }) => number)).toContain(winner)
    const asked = [...project, '--study', String(study)]
    const bound = Math.min(...trials.map(({ metrics }) => metrics['predictedTpotMs']!))
    const whatIf = await heddle('search', ...asked, '--what-if', '--max', `tpotMs=${bound}`)
    expect(whatIf.out).toMatch(/^study 1, nothing run again: 1 of 3 trials keep predicted decode latency at most/)
    const lineage = await heddle('search', ...asked, '--lineage', 'winner')
    expect(lineage.out).toMatch(/^ *\d+ +32 {2}a.*validation loss {2}.*predicted decode latency$/m)
    const pause = await heddle('search', ...asked, '--pause')
    expect(pause).toMatchObject({ code: 2, err: expect.stringMatching(/study 1 is done, not running/) as string })
  }, 60_000)

  it('refuses what cannot be before it makes a project', async () => {
    const cases = [
      [['--max', 'tpotMs'], /METRIC=VALUE/],
      [['--objectives', 'beauty'], /unknown metric "beauty"/],
      [['--widest'], /bound tpotMs from above/],
      [['--crossover-rate', '0.5'], /unknown parameter "crossoverRate"/],
      [['--space', 'absent.json'], /search space cannot be read/],
      [['--probe', 'chess'], /probe \("chess"\) must be one of mqar/],
      [['--what-if', '--study', '1'], /no project/],
      [['--what-if', '--pause'], /one of --pause/],
    ] as const
    const runs = await Promise.all(cases.map(([args]) => heddle('search', '--project', 'none.heddle', ...args)))
    for (const [i, [, message]] of cases.entries()) expect(runs[i]!.err).toMatch(message)
    expect(existsSync(join(folder, 'none.heddle'))).toBe(false)
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
    ['10,000 layers one by one', () => ['show', 'd '.repeat(10_000)], 1, /at most 1024/],
    ['repeats of nothing', () => ['show', '((((!d)x1024)x1024)x1024)x1024'], 1, /at most 1024/],
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
    [
      'polluting keys of a block',
      () => [
        'show',
        file('deep.json', '{"heddle": 1, "blocks": [{"kind": "ffn", "params": {"__proto__": {"x": 1}}}]}'),
      ],
      2,
      /unknown parameter "__proto__"\n {2}at blocks\[0\]\.params\.__proto__/,
    ],
    ['a number that is none', () => ['show', 'd', '--context', 'many'], 2, /--context \("many"\) must be an integer/],
    ['threads that are no number', () => ['train', 'd', '--threads', 'all'], 2, /threads \("all"\) must be/],
    ['two specs', () => ['show', 'd', 'f'], 2, /one spec\n {2}quote a pattern/],
    ['an argument too many', () => ['devices', 'cpu'], 2, /no arguments/],
    ['a page that is not there', () => ['docs', 'constructor'], 2, /no entry named "constructor"/],
    ['an unknown target', () => ['train', 'd', '--target', 'abacus'], 1, /unknown target "abacus"[\s\S]*ort-cpu/],
    ['a folder as configuration', () => ['train', 'd', '--config', '.'], 1, /configuration cannot be read/],
    ['an export to nowhere', () => ['export', 'd'], 2, /--out FOLDER/],
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

  it('leaves a file alone that stands where an export should go', async () => {
    const path = file('taken', 'mine')
    const { code, err } = await heddle('export', TINY_SPEC, '--out', 'taken')
    expect(code).toBe(1)
    expect(err).toMatch(/^heddle: the folder taken cannot be made: EEXIST[^\n]*\n {2}at taken\n {2}name a folder/)
    expect(readFileSync(path, 'utf8')).toBe('mine')
  })

  it('leaves an export alone when the weights for the next one do not fit', async () => {
    mkdirSync(join(folder, 'kept'))
    const path = file('kept/decode.onnx', 'the last good one')
    const weights = file('other.safetensors', 'no weights')
    const refused = await heddle('export', TINY_SPEC, '--out', 'kept', '--checkpoint', weights)
    expect(refused.code).toBe(1)
    expect(readFileSync(path, 'utf8')).toBe('the last good one')
    expect(readdirSync(join(folder, 'kept'))).toEqual(['decode.onnx'])
    await heddle('export', TINY_SPEC, '--out', 'unmade', '--checkpoint', weights)
    expect(existsSync(join(folder, 'unmade'))).toBe(false)
  })

  it('says every error as JSON too, and only that on standard output', async () => {
    const cases = [['nothing'], ['show', 'q'], ['train', 'd', '--steps', '0'], ['show', 'absent.json']]
    const codes = ['usage', 'spec-syntax', 'param-invalid', 'file-missing']
    const runs = await Promise.all(cases.map((args) => heddle(...args, '--json')))
    const errors = runs.map(({ out }) => (JSON.parse(out) as { error: { code: string; message: string } }).error)
    expect(errors.map(({ code }) => code)).toEqual(codes)
    for (const [i, { err }] of runs.entries()) expect(err).toContain(errors[i]!.message)
  })
})
