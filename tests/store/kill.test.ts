// A process that is killed while it writes: the project opens, is whole, and holds what was promised.

import { join } from 'node:path'
import { expect, it } from 'vitest'
import { rng } from '#core/rng.ts'
import { checkProject } from '#main/store/check.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import { readCurve } from '#main/store/metrics.ts'
import { listRuns } from '#main/store/runs.ts'
import { listTrials } from '#main/store/trials.ts'
import { startChild } from './processes.ts'
import { scratch } from './scratch.ts'

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

it('ten kills while trials are stored: a prefix without gaps, and nothing lost that was reported', async () => {
  const path = join(scratch(), 'a.heddle')
  const random = rng('kill trials')
  let reported = -1
  for (let i = 0; i < 10; i++) {
    const child = startChild('trials', path)
    await child.until(1)
    await pause(random.integer(150))
    await child.kill()
    reported = Math.max(reported, ...child.lines.map(Number))

    expect(await checkProject(path)).toMatchObject({ ok: true, faults: [] })
    const project = openProject(path, { readonly: true })
    const trials = listTrials(project, 1)
    closeProject(project)
    expect(trials.map((trial) => trial.number)).toEqual(trials.map((_, number) => number))
    const done = trials.filter((trial) => trial.state === 'done')
    expect(done.map((trial) => trial.metrics)).toEqual(done.map((_, number) => ({ valLoss: number / 2 })))
    expect(done.length).toBeGreaterThanOrEqual(trials.length - 1)
    expect(done.length).toBeGreaterThan(reported)
  }
})

it('kills while points are stored: a prefix of each curve, short of at most the last second', async () => {
  const path = join(scratch(), 'a.heddle')
  const random = rng('kill points')
  for (let i = 0; i < 3; i++) {
    const child = startChild('points', path)
    await child.until(1)
    await pause(700 + random.integer(400))
    await child.kill()
    const [run, last] = child.lines.at(-1)!.split(' ').map(Number) as [number, number]

    expect(await checkProject(path)).toMatchObject({ ok: true, faults: [] })
    const project = openProject(path)
    const time = readCurve(project, run, 'time')
    const half = readCurve(project, run, 'half')
    expect(listRuns(project, { id: run })[0]?.state).toBe('interrupted')
    closeProject(project)
    expect(half.values.every((value, step) => value === step / 2 && half.steps[step] === step)).toBe(true)
    expect(Math.abs(half.values.length - time.values.length)).toBeLessThanOrEqual(1)
    expect(last - time.values.at(-1)!).toBeLessThan(1000)
  }
})
