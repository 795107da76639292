// A process of its own for the tests: `node child.ts hold|trials|points <project>`. It prints a line for what is stored.

import { writeSync } from 'node:fs'
import { openProject } from '#main/store/db.ts'
import { openMetrics } from '#main/store/metrics.ts'
import { startRun } from '#main/store/runs.ts'
import { createStudy, listStudies } from '#main/store/studies.ts'
import { countTrials, finishTrial, startTrial } from '#main/store/trials.ts'
import { sampleSpec, specHash } from './sample.ts'

const [mode, path] = process.argv.slice(2)
const project = openProject(path!, { create: true })
const say = (line: string): void => void writeSync(1, `${line}\n`)
sampleSpec(project, 0)

if (mode === 'hold') {
  say('open')
  setInterval(() => {}, 1000)
} else if (mode === 'trials') {
  const study =
    listStudies(project)[0]?.id ?? createStudy(project, { name: 'killed', kind: 'search', config: {}, seed: 1 })
  // an interrupted number is proposed again, as a resumed search does
  for (let number = Math.max(0, countTrials(project, study) - 1); ; number++) {
    if (countTrials(project, study, { state: 'done' }) > number) continue
    const trial = startTrial(project, { study, number, spec: specHash(0) })
    finishTrial(project, trial, { state: 'done', metrics: { valLoss: number / 2 } })
    say(String(number))
  }
} else {
  const run = startRun(project, { spec: specHash(0), config: {}, seed: 1 })
  const writer = openMetrics(project, run)
  for (let step = 0; ; step++) {
    writer.append('time', step, Date.now())
    writer.append('half', step, step / 2)
    if (step % 1000 === 0) say(`${run} ${Date.now()}`)
  }
}
