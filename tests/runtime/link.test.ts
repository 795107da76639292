import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Runner, type RunnerOptions, startRunner } from '../../src/main/runtime/link.ts'

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
const runners: Runner[] = []
const start = (options: RunnerOptions = {}): Runner => {
  const runner = startRunner({ jobs: fixture('jobs.ts'), ...options })
  runners.push(runner)
  return runner
}
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  // an orphan that has ended stays in the table until somebody collects it
  const stat = `/proc/${pid}/stat`
  return !existsSync(stat) || !/\) [ZX] /.test(readFileSync(stat, 'utf8'))
}
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
async function until(condition: () => boolean, ms: number): Promise<number> {
  const begun = performance.now()
  while (!condition() && performance.now() - begun < ms) await sleep(10)
  return performance.now() - begun
}

// how long the parent's event loop stood still, by the wall clock and by the processor time that its thread used: on a
// busy machine others hold the processor as well
const gaps: { readonly wallMs: number; readonly cpuMs: number }[] = []
let ticker: NodeJS.Timeout
const cpuMs = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
beforeAll(() => {
  let last = { wall: performance.now(), cpu: cpuMs() }
  ticker = setInterval(() => {
    const now = { wall: performance.now(), cpu: cpuMs() }
    gaps.push({ wallMs: now.wall - last.wall, cpuMs: now.cpu - last.cpu })
    last = now
  }, 5)
})
afterAll(async () => {
  clearInterval(ticker)
  await Promise.all(runners.map((runner) => runner.close()))
})

describe('one runner, job after job', () => {
  const runner = start()

  it('answers with plain data and typed arrays', async () => {
    const payload = {
      text: 'ä\u0000',
      list: [1, null, true, { deep: -0 }],
      floats: Float32Array.of(1.5, NaN),
      nothing: undefined,
    }
    expect(await runner.submit('echo', payload)).toEqual(payload)
  })

  it('runs queued jobs in order, one at a time, in one process', async () => {
    const order: string[] = []
    const [first, second] = await Promise.all([
      runner.submit<[number, number]>('wait', 80).finally(() => order.push('first')),
      runner.submit<[number, number]>('wait', 40).finally(() => order.push('second')),
    ])
    expect(order).toEqual(['first', 'second'])
    expect(second[1]).toBe(first[1])
    // the second did not start its wait before the first had ended
    expect(second[0] - first[0]).toBeGreaterThanOrEqual(39)
  })

  it.for(['count', 'count-busy'])('coalesces the progress of %s to ten a second and keeps the last', async (kind) => {
    const reports: unknown[] = []
    const begun = performance.now()
    await runner.submit(kind, 350, { onProgress: (value) => reports.push(value) })
    const seconds = (performance.now() - begun) / 1000
    expect(reports[0]).toBe(1)
    expect(reports.at(-1)).toBe(350)
    expect(reports.length).toBeGreaterThanOrEqual(3)
    // the first, one each tenth of a second (timers may fire a moment early), and the last
    expect(reports.length).toBeLessThanOrEqual(seconds * 10 + 3)
  })

  it('delivers every event in order, before the result', async () => {
    const steps: unknown[] = []
    await runner.submit('events', 2000, { onEvent: (event) => steps.push((event as { step: number }).step) })
    expect(steps).toEqual(Array.from({ length: 2000 }, (_, i) => i + 1))
  })

  it('ends a job by what its listener throws, and takes the next one', async () => {
    let heard = 0
    const onEvent = (): void => {
      heard += 1
      throw new Error('the point cannot be kept')
    }
    await expect(runner.submit('events', 2000, { onEvent })).rejects.toThrow('the point cannot be kept')
    expect(heard).toBe(1)
    const onProgress = (): void => {
      throw new Error('nobody may hear this')
    }
    await expect(runner.submit('obedient', null, { onProgress, signal: AbortSignal.timeout(50) })).rejects.toThrow()
    expect(await runner.submit('pid', null)).toBeTypeOf('number')
  })

  it('passes on what a job throws, and an unknown job', async () => {
    await expect(runner.submit('fail', 'no such thing')).rejects.toMatchObject({
      name: 'HeddleError',
      code: 'target-failed',
      message: 'no such thing',
    })
    await expect(runner.submit('missing', null)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('missing'),
    })
    await expect(runner.submit('constructor', null)).rejects.toMatchObject({ code: 'usage' })
    await expect(runner.submit('No Job', null)).rejects.toMatchObject({ code: 'usage' })
  })

  it('refuses payloads and results that are not plain or too large', async () => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    for (const payload of [
      () => 1,
      { at: new Date() },
      new Map(),
      cycle,
      Symbol('s'),
      new Uint8Array(65 * 2 ** 20),
      Array(300_000).fill(0),
    ]) {
      await expect(runner.submit('echo', payload)).rejects.toMatchObject({ code: 'param-invalid' })
    }
    await expect(runner.submit('not-plain', null)).rejects.toMatchObject({
      code: 'param-invalid',
      message: expect.stringContaining('Map'),
    })
    await expect(runner.submit('too-large', null)).rejects.toMatchObject({
      code: 'param-invalid',
      message: expect.stringContaining('64 MiB'),
    })
    expect(await runner.submit('echo', 1)).toBe(1)
  })

  it('ignores messages of an unknown shape and says so', async () => {
    expect(await runner.submit('foreign-messages', null)).toBe('survived')
    expect(runner.output().join('\n')).toContain('not a reply: text')
    expect(runner.output().every((line) => line.length < 500)).toBe(true)
  })

  it('lets a job end by itself when it listens to its signal, and keeps the process', async () => {
    const pid = await runner.submit('pid', null)
    const controller = new AbortController()
    const job = runner.submit('obedient', null, { signal: controller.signal })
    await sleep(50)
    const begun = performance.now()
    controller.abort()
    await expect(job).rejects.toMatchObject({ code: 'job-cancelled' })
    expect(performance.now() - begun).toBeLessThan(400)
    expect(await runner.submit('pid', null)).toBe(pid)
  })

  it('cancels a job that waits in the queue or never got there', async () => {
    const controller = new AbortController()
    const first = runner.submit('wait', 100)
    const second = runner.submit('echo', 2, { signal: controller.signal })
    const third = runner.submit('echo', 3)
    controller.abort()
    await expect(second).rejects.toMatchObject({ code: 'job-cancelled' })
    await expect(runner.submit('echo', 4, { signal: controller.signal })).rejects.toMatchObject({
      code: 'job-cancelled',
    })
    await first
    expect(await third).toBe(3)
  })

  it.for(['loop', 'native'])(
    'kills a job that is stuck (%s) within 2 s and goes on with a fresh process',
    async (kind) => {
      const pid = (await runner.submit('pid', null)) as number
      const controller = new AbortController()
      let cancelledAt = 0
      const job = runner.submit(kind, null, {
        signal: controller.signal,
        onProgress: () => {
          cancelledAt = performance.now()
          controller.abort()
        },
      })
      const next = runner.submit('pid', null)
      await expect(job).rejects.toMatchObject({ code: 'job-cancelled' })
      const seconds = (performance.now() - cancelledAt) / 1000
      process.stdout.write(`cancel of ${kind}: ${seconds.toFixed(2)} s\n`)
      expect(seconds).toBeLessThan(2)
      expect(isAlive(pid)).toBe(false)
      expect(await next).not.toBe(pid)
    },
  )

  it.for([
    ['abort', null, 'by signal SIGABRT', 'about to abort'],
    ['exit', 3, 'with exit code 3', 'leaving'],
    ['exit', 0, 'with exit code 0', 'leaving'],
    ['segfault', null, 'by signal SIGSEGV', 'wrote nothing'],
    ['floods', null, 'by signal SIGABRT', 'line 19999'],
  ] as const)('survives a crash: %s %s', async ([kind, payload, how, words]) => {
    const job = runner.submit(kind, payload)
    const next = runner.submit('echo', 'fresh')
    const error = await job.catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'job-crashed',
      message: `the runner process ended ${how} while it worked on ${kind}`,
    })
    expect((error as { hint: string }).hint).toContain(words)
    expect((error as { hint: string }).hint.length).toBeLessThan(10_000)
    expect(await next).toBe('fresh')
  })

  it('gives no more work to a process that lost its device', async () => {
    const pid = await runner.submit('pid', null)
    const job = runner.submit('lose-device', null)
    const next = runner.submit('pid', null)
    await expect(job).rejects.toMatchObject({ code: 'device-lost', message: 'cuStreamSynchronize failed' })
    expect(await next).not.toBe(pid)
  })

  it('is not stalled by a large result', async () => {
    const result = await runner.submit<Uint8Array>('large', 16 * 2 ** 20)
    expect(result.length).toBe(16 * 2 ** 20)
    expect(result[result.length - 1]).toBe(7)
  })

  it('closes an idle process and starts a fresh one for a later job', async () => {
    const pid = (await runner.submit('pid', null)) as number
    await runner.close()
    expect(isAlive(pid)).toBe(false)
    expect(runner.pid).toBeUndefined()
    expect(await runner.submit('pid', null)).not.toBe(pid)
  })

  it('closes a busy process and cancels everything', async () => {
    const jobs = [runner.submit('wait', 60_000), runner.submit('echo', 1)].map((job) =>
      job.catch((error: unknown) => error),
    )
    await sleep(20)
    await runner.close()
    for (const outcome of await Promise.all(jobs)) expect(outcome).toMatchObject({ code: 'job-cancelled' })
  })
})

it('survives a runner that runs out of memory', async () => {
  const runner = start({ nodeOptions: ['--max-old-space-size=40'] })
  const error = await runner.submit('out-of-memory', null).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'job-crashed' })
  expect((error as { hint: string }).hint).toMatch(/heap|memory/i)
  expect(await runner.submit('echo', 'fresh')).toBe('fresh')
})

it('takes an answer that is not valid as a failure of the job', async () => {
  const runner = start()
  await expect(runner.submit('bad-answer', null)).rejects.toMatchObject({
    code: 'target-failed',
    message: expect.stringContaining('Date'),
  })
})

it('reports a program that does not start', async () => {
  await expect(start({ jobs: fixture('nothing.ts') }).submit('echo', 1)).rejects.toMatchObject({
    code: 'job-crashed',
    hint: expect.stringContaining('nothing.ts'),
  })
  await expect(start({ jobs: 'fixtures/jobs.ts' }).submit('echo', 1)).rejects.toMatchObject({
    hint: expect.stringContaining('absolute'),
  })
  await expect(start({ script: fixture('missing.ts') }).submit('echo', 1)).rejects.toMatchObject({
    code: 'job-crashed',
  })
})

it('runs as plain Node when Electron forks it', async () => {
  expect(await start().submit('variable', 'ELECTRON_RUN_AS_NODE')).toBeNull()
  Object.defineProperty(process.versions, 'electron', { value: '45.0.0', configurable: true })
  try {
    expect(await start().submit('variable', 'ELECTRON_RUN_AS_NODE')).toBe('1')
  } finally {
    delete (process.versions as Record<string, string>)['electron']
  }
})

it('has only its own jobs unless told otherwise', async () => {
  const runner = startRunner()
  runners.push(runner)
  expect(await runner.submit('ping', { a: 1 })).toMatchObject({ payload: { a: 1 }, node: process.versions.node })
  await expect(runner.submit('echo', 1)).rejects.toMatchObject({ code: 'usage' })
})

describe('a parent that ends', () => {
  const runParent = (kind: string) =>
    spawn(process.execPath, [fixture('parent.ts'), kind], { stdio: ['ignore', 'pipe', 'inherit'] })
  const firstLine = (child: ReturnType<typeof runParent>) =>
    new Promise<number>((resolve) => child.stdout.once('data', (data: Buffer) => resolve(Number(data))))

  it.for(['loop', 'native'])('takes along a runner that is stuck (%s), even when it is killed', async (kind) => {
    const parent = runParent(kind)
    const pid = await firstLine(parent)
    expect(isAlive(pid)).toBe(true)
    parent.kill('SIGKILL')
    const ms = await until(() => !isAlive(pid), 3000)
    process.stdout.write(`runner (${kind}) ended ${ms.toFixed(0)} ms after its parent was killed\n`)
    expect(isAlive(pid)).toBe(false)
  })

  it('is not kept alive by an idle runner', async () => {
    const parent = runParent('pid')
    const pid = await firstLine(parent)
    const timer = setTimeout(() => parent.kill('SIGKILL'), 5000)
    const code = await new Promise((resolve) => parent.once('exit', resolve))
    clearTimeout(timer)
    expect(code).toBe(0)
    await until(() => !isAlive(pid), 2000)
    expect(isAlive(pid)).toBe(false)
  })
})

it('the runner refuses to be started by hand', async () => {
  const child = spawn(process.execPath, [fileURLToPath(new URL('../../src/main/runner.ts', import.meta.url))], {
    stdio: 'ignore',
  })
  expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(2)
})

it('none of this stopped the parent for 50 ms', () => {
  const longest = Math.max(...gaps.map((gap) => Math.min(gap.wallMs, gap.cpuMs)))
  const wall = gaps.map((gap) => gap.wallMs).sort((a, b) => a - b)
  const percentile = wall[Math.floor(wall.length * 0.95)]!
  const facts = [longest, percentile, wall.at(-1)!].map((ms) => ms.toFixed(1))
  process.stdout.write(
    `event loop of the parent: busy for ${facts[0]} ms at most; gaps p95 ${facts[1]} ms, max ${facts[2]} ms\n`,
  )
  expect(gaps.length).toBeGreaterThan(200)
  expect(longest).toBeLessThan(50)
  expect(percentile).toBeLessThan(50)
})
