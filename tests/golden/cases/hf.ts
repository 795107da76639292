// A Hugging Face checkpoint: imported, run over a sequence in all forms, and continued greedily.

import { join } from 'node:path'
import { importHfConfig, importHfWeights, parseHfConfig } from '#core/model/import-hf.ts'
import type { HfTensor } from '#core/model/import-hf.ts'
import { lower } from '#core/model/lower.ts'
import { decodeSafetensors } from '#core/model/safetensors.ts'
import { resolveSpec } from '#core/model/spec.ts'
import type { ResolvedSpec } from '#core/model/spec.ts'
import type { Target } from '#main/runtime/targets/target.ts'
import type { HuggingFaceCase } from '../case-index.ts'
import { readBytes } from '../json.ts'
import { openModel } from './programs.ts'
import type { Arrays } from './programs.ts'
import type { Check } from '../report.ts'
import { reportTo, toleranceOf } from '../report.ts'
import { checkSequence } from './sequence.ts'
import { need, readTensors } from '../tensors.ts'
import type { GoldenTensor } from '../tensors.ts'

const MAX_CHECKPOINT_BYTES = 1 << 30
const MAX_CONFIG_BYTES = 1 << 20

/** Runs a checkpoint on the given targets. */
export async function checkHuggingFace(
  golden: HuggingFaceCase,
  targets: readonly Target[],
  checks: Check[],
): Promise<void> {
  const config = parseHfConfig(readBytes(join(golden.folder, 'config.json'), MAX_CONFIG_BYTES).toString('utf8'))
  const resolved = resolveSpec(importHfConfig(config).spec)
  const checkpoint = importHfWeights(config, readCheckpoint(join(golden.folder, 'model.safetensors')))
  const weights = new Map([...checkpoint].map(([name, { data }]) => [name, data]))
  const reference = readTensors(join(golden.folder, 'reference.safetensors'))
  const tokens = need(reference, 'input_ids', [null, null])
  const [batchSize, length] = tokens.shape as [number, number]
  const expected = need(reference, 'logits', [batchSize, length, resolved.settings.vocabSize])
  const greedy = reference.has('greedy_ids') ? need(reference, 'greedy_ids', [null, null]) : undefined
  for (const target of targets) {
    for (const decomposeAll of target.kind === 'reference' ? [false] : [false, true]) {
      const sequence = {
        lower: (phase: 'prefill' | 'decode', seqLen: number, context: number) =>
          lower(resolved, {
            phase,
            batchSize,
            seqLen,
            context,
            outputs: [phase === 'prefill' ? 'allLogits' : 'logits'],
          }),
        weights,
        inputs: { tokens },
        output: 'logits',
        expected,
        next: undefined,
        tolerance: toleranceOf(golden, 'logits'),
        stateTolerance: 0,
        lead: resolved.settings.metaTokens,
        states: [],
        nextStates: [],
      }
      await checkSequence(sequence, target, decomposeAll, checks)
      if (greedy === undefined) continue
      const ids = await continueGreedily(
        resolved,
        weights,
        need(reference, 'prompt_ids', [greedy.shape[0]!, null]),
        greedy.shape[1]!,
        target,
        decomposeAll,
      )
      const wrong = ids.findIndex((id, i) => id !== greedy.data[i])
      const label = wrong < 0 ? 'greedy_ids' : `greedy_ids (${ids[wrong]} at ${wrong}, expected ${greedy.data[wrong]})`
      reportTo(checks, target.kind, decomposeAll ? 'greedy, decomposed' : 'greedy').ratio(
        label,
        wrong < 0 ? 0 : Infinity,
      )
    }
  }
}

function readCheckpoint(path: string): Map<string, HfTensor> {
  const file = decodeSafetensors(readBytes(path, MAX_CHECKPOINT_BYTES))
  return new Map([...file.tensors.values()].map(({ name, shape }) => [name, { shape, data: file.readFloats(name) }]))
}

/** The tokens [B, count] of the largest logit, each fed back: one prefill and then steps. */
async function continueGreedily(
  resolved: ResolvedSpec,
  weights: Arrays,
  prompt: GoldenTensor,
  count: number,
  target: Target,
  decomposeAll: boolean,
): Promise<number[]> {
  const [batchSize, length] = prompt.shape as [number, number]
  const { vocabSize, metaTokens } = resolved.settings
  const sizes = { batchSize, context: length + count }
  const prefill = lower(resolved, { ...sizes, phase: 'prefill', seqLen: length })
  const decode = lower(resolved, { ...sizes, phase: 'decode', seqLen: 1 })
  const first = await openModel(target, prefill, weights, decomposeAll)
  const rest = await openModel(target, decode, weights, decomposeAll)
  try {
    const results = await first.run({ tokens: prompt.data }, ['logits', ...prefill.states.map((s) => `next.${s.name}`)])
    for (const { name } of prefill.states) rest.write(name, results[`next.${name}`] as Float32Array)
    const columns: Int32Array[] = []
    let logits = results['logits'] as Float32Array
    for (let i = 0; i < count; i++) {
      const ids = largest(logits, vocabSize)
      columns.push(ids)
      if (i + 1 < count)
        logits = rest.runSync({ tokens: ids, position: Int32Array.of(metaTokens + length + i) }, ['logits'])[
          'logits'
        ] as Float32Array
    }
    return Array.from({ length: batchSize * count }, (_, i) => columns[i % count]![Math.floor(i / count)]!)
  } finally {
    first.close()
    rest.close()
  }
}

/** The index of the first largest logit of each row. */
function largest(logits: Float32Array, width: number): Int32Array {
  return Int32Array.from({ length: logits.length / width }, (_, row) => {
    const values = logits.subarray(row * width, (row + 1) * width)
    return values.indexOf(values.reduce((a, b) => Math.max(a, b), -Infinity))
  })
}
