// The main job on real input: trains three small stacks on the demo corpus, times them, and leaves a project file and a
// report. `npm run quickstart`; under five minutes on two cores.

import { existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import { parseSpecText } from '#core/model/text.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { parseTrainConfig } from '#core/optim/train-config.ts'
import { runProfile } from './api/profile.ts'
import { runTraining } from './api/train.ts'
import { projectReport } from './report/report.ts'
import { writeFileAtomic } from './runtime/files.ts'
import { startRunner } from './runtime/link.ts'
import { bigramOf } from './runtime/train/corpus-source.ts'
import { closeProject, openProject } from './store/db.ts'
import { terminalProgress } from './terminal.ts'

const MODEL = '{name: "NAME", dModel: 128, vocabSize: 257}'
const STACKS: readonly (readonly [name: string, pattern: string])[] = [
  ['pure attention', '(a{headDim: 32} f)x4'],
  ['pure DeltaNet', '(d{nHeads: 4} f)x4'],
  ['DeltaNet + Mamba-2 hybrid', '(d{nHeads: 4} f m2{headDim: 32, dState: 32} f)x2'],
]
const DATA = { kind: 'corpus', path: null, tokenizer: 'bytes' } as const
const RUN = { steps: 180, batchSize: 8, seqLen: 256, validationEvery: 30, validationTokens: 32768, seed: 1 }

/** A folder that nothing is in yet: quickstart, quickstart-2, ... */
function freshFolder(): string {
  for (let i = 1; ; i++) {
    const folder = resolve(i === 1 ? 'quickstart' : `quickstart-${i}`)
    if (!existsSync(folder)) {
      mkdirSync(folder)
      return folder
    }
  }
}

async function main(): Promise<void> {
  const started = performance.now()
  const folder = freshFolder()
  const project = openProject(join(folder, 'quickstart.heddle'), { create: true })
  const runner = startRunner()
  const progress = terminalProgress(process.stderr)
  const specs: ArchSpec[] = STACKS.map(([name, pattern]) => parseSpecText(`${MODEL.replace('NAME', name)} ${pattern}`))
  try {
    for (const spec of specs) {
      progress.note(`training ${spec.name}`)
      const outcome = await runTraining(
        runner,
        { config: parseTrainConfig({ spec, data: DATA, run: RUN }), project, name: spec.name },
        { onProgress: (e) => progress.update(e) },
      )
      progress.note(
        outcome.state === 'done'
          ? `  ${outcome.final['bitsPerByte']!.toFixed(3)} bits/byte, ${Math.round(outcome.tokensPerSecond)} tokens/s`
          : `  ${outcome.error?.message ?? outcome.state}`,
      )
    }
    progress.note('measuring prefill and decode')
    await runProfile(
      runner,
      {
        specs,
        target: 'ort-cpu',
        options: {
          phases: 'both',
          batchSize: 1,
          promptLen: 128,
          context: 512,
          threads: null,
          seed: 1,
          maxRelativeWidth: 0.03,
          maxSeconds: 30,
          trace: true,
          decomposeAll: false,
        },
      },
      { project, onProgress: (e) => progress.update(e) },
    )
    progress.end()
    const { bitsPerByte } = await bigramOf(DATA)
    const report = projectReport(project, {
      title: 'Quickstart: three small stacks',
      intro: `Trained for ${RUN.steps} steps of ${RUN.batchSize} x ${RUN.seqLen} bytes on the State of the Union addresses (CC0), validated on held-out addresses. Command: npm run quickstart.`,
      ...(bitsPerByte !== null && { baseline: { name: `bigram ${bitsPerByte.toFixed(2)}`, bitsPerByte } }),
    })
    const path = join(folder, 'report.html')
    await writeFileAtomic(path, [new TextEncoder().encode(report)])
    process.stdout.write(
      `\nproject  ${project.path}\nreport   ${path}\ndone in ${((performance.now() - started) / 1000).toFixed(0)} s\n`,
    )
  } finally {
    progress.end()
    await runner.close()
    closeProject(project)
  }
}

main().catch((error: unknown) => {
  if (!(error instanceof HeddleError)) throw error
  process.stderr.write(`quickstart: ${error.message}\n${error.hint === undefined ? '' : `  ${error.hint}\n`}`)
  process.exitCode = 1
})
