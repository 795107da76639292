// A whole model: loss, logits, gradients, states.

import { sizeOf } from '#core/graph/types.ts'
import { countSpec } from '#core/model/counts.ts'
import { lower } from '#core/model/lower.ts'
import type { ResolvedSpec } from '#core/model/spec.ts'
import type { Target } from '#main/runtime/targets/target.ts'
import type { GoldenCase } from '../case-index.ts'
import { convertModel } from '../convert.ts'
import { invalid, numberAt, optional } from '../json.ts'
import { runGradients } from './programs.ts'
import type { Arrays } from './programs.ts'
import type { Check } from '../report.ts'
import { reportTo, toleranceOf } from '../report.ts'
import { checkSequence } from './sequence.ts'
import type { ExpectedState, Sequence } from './sequence.ts'
import { asToken, need, sliceTime, withPrefix } from '../tensors.ts'
import type { GoldenTensor, Tensors } from '../tensors.ts'

/** Runs a model case in all forms on the given targets. */
export async function checkModel(
  golden: GoldenCase,
  tensors: Tensors,
  targets: readonly Target[],
  checks: Check[],
): Promise<void> {
  const resolved = convertModel(golden.hyperParameters, `${golden.path}.hyper_parameters`)
  const weights = modelWeights(resolved, tensors)
  const tokens = need(tensors, 'tokens', [null, null])
  const length = tokens.shape[1]! - 1
  const counts = countSpec(resolved, length)
  const exact = reportTo(checks, 'counts', 'exact')
  if (golden.parameterCount !== undefined) exact.number('parameter_count', counts.params, golden.parameterCount)
  if (golden.stateElements !== undefined)
    exact.number('state_elements_per_sequence', counts.stateElements, golden.stateElements)
  for (const target of targets) {
    await checkTrain(golden, resolved, tensors, weights, target, checks)
    const sequence = sequenceOf(golden, resolved, tensors, weights)
    for (const decomposeAll of target.kind === 'reference' ? [false] : [false, true])
      await checkSequence(sequence, target, decomposeAll, checks)
  }
}

/** The parameters of the file by weight; both sides must have the same. */
export function modelWeights(resolved: ResolvedSpec, tensors: Tensors): Arrays {
  const given = withPrefix(tensors, 'param.')
  const { weights } = lower(resolved, { phase: 'train', batchSize: 1, seqLen: 1, shapesOnly: true })
  const arrays = new Map(
    weights.map(({ name, shape }) => [name, need(tensors, `param.${name}`, shape).data as Float32Array]),
  )
  for (const name of given.keys())
    if (!arrays.has(name)) invalid(`param.${name}`, `the model has no weight ${name} with these hyper-parameters`)
  return arrays
}

async function checkTrain(
  golden: GoldenCase,
  resolved: ResolvedSpec,
  tensors: Tensors,
  weights: Arrays,
  target: Target,
  checks: Check[],
): Promise<void> {
  const { inputs, targets } = splitTokens(need(tensors, 'tokens'))
  const [batchSize, seqLen] = inputs.shape as [number, number]
  const report = reportTo(checks, target.kind, 'train')
  const { graph } = lower(resolved, { phase: 'train', batchSize, seqLen, outputs: ['loss', 'logits'] })
  const names = [...weights.keys()]
  const feeds = { tokens: inputs.data, targets: targets.data, ...Object.fromEntries(weights) }
  const results = await runGradients(target, graph, { loss: null }, names, feeds, ['loss', 'logits'])
  report.close('loss', results.get('loss')!, need(tensors, 'loss', []), toleranceOf(golden, 'loss'))
  report.close('logits', results.get('logits')!, need(tensors, 'logits'), toleranceOf(golden, 'logits'))
  let squares = 0
  for (const name of names) {
    const gradient = results.get(`grad.${name}`)!
    for (const x of gradient.data) squares += x * x
    report.close(`grad.${name}`, gradient, need(tensors, `grad.${name}`), toleranceOf(golden, 'grad'))
  }
  const norm = optional(golden.entry, 'grad_norm', golden.path, numberAt)
  if (norm !== undefined) report.number('grad_norm', Math.sqrt(squares), norm, toleranceOf(golden, 'grad'))
}

/** [B, T+1] -> the first T and the last T tokens. */
export function splitTokens(tokens: GoldenTensor): { inputs: GoldenTensor; targets: GoldenTensor } {
  const length = tokens.shape[1]!
  return { inputs: sliceTime(tokens, 0, length - 1), targets: sliceTime(tokens, 1, length) }
}

function sequenceOf(golden: GoldenCase, resolved: ResolvedSpec, tensors: Tensors, weights: Arrays): Sequence {
  const tokens = need(tensors, 'tokens')
  const [batchSize, total] = tokens.shape as [number, number]
  const { vocabSize, metaTokens } = resolved.settings
  const next = tensors.has('logits_next')
    ? { label: 'logits_next', value: asToken(need(tensors, 'logits_next', [batchSize, vocabSize])) }
    : undefined
  return {
    lower: (phase, seqLen, context) =>
      lower(resolved, { phase, batchSize, seqLen, context, outputs: [phase === 'prefill' ? 'allLogits' : 'logits'] }),
    weights,
    inputs: { tokens },
    output: 'logits',
    expected: need(tensors, 'logits', [batchSize, total - 1, vocabSize]),
    next,
    tolerance: toleranceOf(golden, 'logits'),
    stateTolerance: toleranceOf(golden, 'state'),
    lead: metaTokens,
    states: expectedStates(resolved, tensors),
    nextStates: [],
  }
}

function expectedStates(resolved: ResolvedSpec, tensors: Tensors): ExpectedState[] {
  const given = withPrefix(tensors, 'state.')
  const { states } = lower(resolved, { phase: 'decode', batchSize: 1, seqLen: 1, shapesOnly: true })
  const foreign = [...given.keys()].find((name) => !states.some((s) => s.name === name))
  if (foreign !== undefined) invalid(`state.${foreign}`, `the model has no state ${foreign}`)
  return states
    .filter((s) => sizeOf(s.shape) > 0)
    .map(({ name, block }) => ({
      name,
      short: name.slice(`layers.${block}.`.length),
      owner: { ...resolved.blocks[block]!, metaTokens: resolved.settings.metaTokens },
      value: need(tensors, `state.${name}`),
      label: `state.${name}`,
    }))
}
