// Cases without a block: the norm, the loss behind the head, and the learning-rate schedule.

import type { Graph } from '#core/graph/types.ts'
import { sizeOf } from '#core/graph/types.ts'
import { headLogits } from '#core/model/lower.ts'
import { newGraph } from '#core/ops/index.ts'
import { cosineLr } from '#core/optim/schedule.ts'
import type { Target } from '#main/runtime/targets/target.ts'
import type { GoldenCase } from '../case-index.ts'
import { countAt, field, flagAt, invalid, listAt, numberAt, optional } from '../json.ts'
import { runGradients } from './programs.ts'
import type { Check } from '../report.ts'
import { reportTo, toleranceOf } from '../report.ts'
import { asToken, need } from '../tensors.ts'
import type { Tensors } from '../tensors.ts'

export async function checkRmsNorm(
  golden: GoldenCase,
  tensors: Tensors,
  targets: readonly Target[],
  checks: Check[],
): Promise<void> {
  const x = need(tensors, 'x', [null, null, null])
  const width = x.shape[2]!
  const weight = need(tensors, 'param.weight', [width])
  const eps = numberAt(field(golden.hyperParameters, 'eps'), `${golden.path}.hyper_parameters.eps`)
  const graphFor = (shape: readonly number[]): Graph => {
    const g = newGraph()
    const gain = g.input('weight', { dtype: 'f32', shape: weight.shape })
    g.output('y', g.one('rms_norm', [g.input('x', { dtype: 'f32', shape }), gain], { eps }))
    return g.finish()
  }
  const counts = reportTo(checks, 'counts', 'exact')
  if (golden.parameterCount !== undefined) counts.number('parameter_count', sizeOf(weight.shape), golden.parameterCount)
  if (golden.stateElements !== undefined) counts.number('state_elements_per_sequence', 0, golden.stateElements)
  for (const target of targets) {
    const train = reportTo(checks, target.kind, 'train')
    const feeds = { x: x.data, weight: weight.data, dy: need(tensors, 'dy', x.shape).data }
    const results = await runGradients(target, graphFor(x.shape), { y: 'dy' }, ['x', 'weight'], feeds, ['y'])
    train.close('y', results.get('y')!, need(tensors, 'y'), toleranceOf(golden, 'y'))
    train.close('grad.x', results.get('grad.x')!, need(tensors, 'grad.x'), toleranceOf(golden, 'grad'))
    train.close(
      'grad.param.weight',
      results.get('grad.weight')!,
      need(tensors, 'grad.param.weight'),
      toleranceOf(golden, 'grad'),
    )
    if (!tensors.has('x_next')) continue
    const next = asToken(need(tensors, 'x_next', [x.shape[0]!, width]))
    const stepped = await runGradients(target, graphFor(next.shape), {}, [], { x: next.data, weight: weight.data }, [
      'y',
    ])
    reportTo(checks, target.kind, 'decode').close(
      'y_next',
      stepped.get('y')!,
      asToken(need(tensors, 'y_next')),
      toleranceOf(golden, 'y'),
    )
  }
}

export async function checkCrossEntropy(
  golden: GoldenCase,
  tensors: Tensors,
  targets: readonly Target[],
  checks: Check[],
): Promise<void> {
  const { hyperParameters, path } = golden
  const h = need(tensors, 'h', [null, null, null])
  const [batch, length, width] = h.shape as [number, number, number]
  const table = need(tensors, 'param.embed_tokens.weight', [null, width])
  const rows = need(tensors, 'targets', [batch, length])
  const vocabulary = optional(hyperParameters, 'vocab_size', path, countAt)
  if (vocabulary !== undefined && vocabulary !== table.shape[0])
    invalid(path, `vocab_size is ${vocabulary}, but the table has ${table.shape[0]} rows`)
  const ignoreIndex = optional(hyperParameters, 'ignore_index', path, numberAt) ?? -100
  const normDivision = optional(hyperParameters, 'head_norm_division', path, flagAt) ?? false
  const g = newGraph()
  const hidden = g.input('h', { dtype: 'f32', shape: h.shape })
  const head = g.input('embed_tokens.weight', { dtype: 'f32', shape: table.shape })
  const logits = headLogits(g, hidden, head, normDivision)
  const flatTargets = g.reshape(g.input('targets', { dtype: 'i32', shape: rows.shape }), [batch * length])
  const [loss] = g.apply('cross_entropy', [g.reshape(logits, [batch * length, table.shape[0]!]), flatTargets], {
    ignoreIndex,
  })
  g.output('logits', logits)
  g.output('loss', loss!)
  const graph = g.finish()
  const feeds = { h: h.data, 'embed_tokens.weight': table.data, targets: rows.data }
  for (const target of targets) {
    const report = reportTo(checks, target.kind, 'train')
    const results = await runGradients(target, graph, { loss: null }, ['h', 'embed_tokens.weight'], feeds, [
      'logits',
      'loss',
    ])
    const check = (name: string, kind: string): void =>
      report.close(name, results.get(name)!, need(tensors, name), toleranceOf(golden, kind))
    check('logits', 'logits')
    check('loss', 'loss')
    check('grad.h', 'grad')
    check('grad.embed_tokens.weight', 'grad')
  }
}

/** Cosine schedule: no tensors, only numbers in the index. */
export function checkCosine(golden: GoldenCase, checks: Check[]): void {
  const { hyperParameters, entry, path } = golden
  const number = (name: string): number => numberAt(field(hyperParameters, name), `${path}.hyper_parameters.${name}`)
  const schedule = { lr: number('lr_max'), lrMin: number('lr_min'), warmup: number('warmup') }
  const total = number('total')
  const values = listAt(field(entry, 'values'), `${path}.values`)
  const steps = listAt(field(entry, 'steps'), `${path}.steps`)
  if (steps.length !== values.length) invalid(path, `there are ${steps.length} steps and ${values.length} values`)
  const report = reportTo(checks, 'schedule', 'exact')
  steps.forEach((step, i) => {
    const actual = cosineLr(countAt(step, `${path}.steps[${i}]`), total, schedule)
    report.number(`values[${i}]`, actual, numberAt(values[i], `${path}.values[${i}]`), toleranceOf(golden, 'value'))
  })
}
