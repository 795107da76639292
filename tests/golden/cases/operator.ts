// One operator on its own: forward, gradients, states, and what it costs.

import { sizeOf } from '#core/graph/types.ts'
import { flopsByBlock } from '#core/model/counts.ts'
import { lowerBlock } from '#core/model/lower.ts'
import type { LowerBlockOptions, LoweredModel } from '#core/model/lower.ts'
import type { Target } from '#main/runtime/targets/target.ts'
import type { GoldenCase } from '../case-index.ts'
import { convertOperator } from '../convert.ts'
import type { ConvertedOperator } from '../convert.ts'
import { invalid } from '../json.ts'
import { runGradients } from './programs.ts'
import type { Arrays } from './programs.ts'
import type { Check } from '../report.ts'
import { reportTo, toleranceOf } from '../report.ts'
import { checkSequence } from './sequence.ts'
import type { ExpectedState, Sequence } from './sequence.ts'
import { asToken, joinTime, need, withPrefix } from '../tensors.ts'
import type { GoldenTensor, Tensors } from '../tensors.ts'

const WEIGHTS = 'layers.0.mixer.'
const STATES = 'layers.0.'
/** What the operator with a value residual reads, and leaves when it is the first. */
const FIRST_VALUE = 'rwkv7.first_value'

/** The forms that a lowered operator takes, by sizes. */
interface Operator extends ConvertedOperator {
  readonly dModel: number
  readonly lower: (
    phase: LowerBlockOptions['phase'],
    batchSize: number,
    length: number,
    capacity: number,
  ) => LoweredModel
}

/** Runs an operator case in all forms on the given targets. */
export async function checkOperator(
  golden: GoldenCase,
  tensors: Tensors,
  targets: readonly Target[],
  checks: Check[],
): Promise<void> {
  const x = need(tensors, 'x', [null, null, null])
  const [batch, length, dModel] = x.shape as [number, number, number]
  const operator = operatorOf(golden, dModel)
  const weights = weightsOf(operator, tensors, length)
  checkCounts(golden, operator, length, checks)
  for (const target of targets) {
    await checkTrain(golden, operator, tensors, weights, target, checks)
    const sequence = sequenceOf(golden, operator, tensors, weights, batch, length)
    for (const decomposeAll of target.kind === 'reference' ? [false] : [false, true])
      await checkSequence(sequence, target, decomposeAll, checks)
    if (tensors.has('v_own')) await checkOwnValue(golden, operator, tensors, weights, target, checks)
  }
}

function operatorOf(golden: GoldenCase, dModel: number): Operator {
  const converted = convertOperator(golden.operator, golden.hyperParameters, dModel, golden.path)
  const shared = converted.valueResidual ? { [FIRST_VALUE]: { name: 'v_first', width: dModel } } : {}
  return {
    ...converted,
    dModel,
    lower: (phase, batchSize, length, capacity) =>
      lowerBlock(converted.block, converted.params, {
        phase,
        dModel,
        batchSize,
        length,
        capacity,
        metaTokens: converted.metaTokens,
        shared,
      }),
  }
}

/** The parameters of the file under the names of our weights; both sides must have the same. */
function weightsOf(operator: Operator, tensors: Tensors, length: number): Arrays {
  const given = withPrefix(tensors, 'param.')
  const weights = new Map<string, Float32Array>()
  for (const { name, shape } of operator.lower('train', 1, length, length).weights) {
    const short = name.slice(WEIGHTS.length)
    weights.set(name, need(tensors, `param.${short}`, shape).data as Float32Array)
    given.delete(short)
  }
  for (const name of given.keys())
    invalid(`param.${name}`, `the ${operator.block.kind} block has no weight ${name} with these hyper-parameters`)
  return weights
}

/** Numbers derived from weights, states at a capacity of the tokens seen, and cost rules. */
function checkCounts(golden: GoldenCase, operator: Operator, length: number, checks: Check[]): void {
  const report = reportTo(checks, 'counts', 'exact')
  const decode = operator.lower('decode', 1, 1, length)
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
  const exact = (name: string, actual: number, expected: number | undefined, relative = 0): void => {
    if (expected !== undefined) report.number(name, actual, expected, relative)
  }
  exact('parameter_count', sum(decode.weights.map((w) => sizeOf(w.shape))), golden.parameterCount)
  exact('state_elements_per_sequence', sum(decode.states.map((s) => sizeOf(s.shape))), golden.stateElements)
  exact('flops.decode_last_token', flopsByBlock(decode, 1).total, golden.decodeFlops, 1e-9)
  exact(
    'flops.prefill_total_chunk64',
    flopsByBlock(operator.lower('prefill', 1, length, length), 1).total,
    golden.prefillFlops,
    1e-9,
  )
}

async function checkTrain(
  golden: GoldenCase,
  operator: Operator,
  tensors: Tensors,
  weights: Arrays,
  target: Target,
  checks: Check[],
): Promise<void> {
  const x = need(tensors, 'x')
  const [batch, length] = x.shape as [number, number]
  const report = reportTo(checks, target.kind, 'train')
  const inputs = ['x', ...(operator.valueResidual ? ['v_first'] : [])]
  const feeds = {
    dy: need(tensors, 'dy', x.shape).data,
    ...Object.fromEntries([...weights, ...inputs.map((name) => [name, need(tensors, name, x.shape).data] as const)]),
  }
  const names = [...inputs, ...weights.keys()]
  const results = await runGradients(
    target,
    operator.lower('train', batch, length, length).graph,
    { y: 'dy' },
    names,
    feeds,
    ['y'],
  )
  report.close('y', results.get('y')!, need(tensors, 'y'), toleranceOf(golden, 'y'))
  for (const name of names) {
    const label = `grad.${name.startsWith(WEIGHTS) ? `param.${name.slice(WEIGHTS.length)}` : name}`
    report.close(label, results.get(`grad.${name}`)!, need(tensors, label), toleranceOf(golden, 'grad'))
  }
}

function sequenceOf(
  golden: GoldenCase,
  operator: Operator,
  tensors: Tensors,
  weights: Arrays,
  batch: number,
  length: number,
): Sequence {
  const inputs = ['x', ...(operator.valueResidual ? ['v_first'] : [])]
  const hasNext = tensors.has('x_next')
  const withNext = (name: string): GoldenTensor => {
    const tensor = need(tensors, name, [batch, length, operator.dModel])
    return hasNext ? joinTime([tensor, asToken(need(tensors, `${name}_next`, [batch, operator.dModel]))]) : tensor
  }
  return {
    lower: (phase, tokens, capacity) => operator.lower(phase, batch, tokens, capacity),
    weights,
    inputs: Object.fromEntries(inputs.map((name) => [name, withNext(name)])),
    output: 'y',
    expected: need(tensors, 'y', [batch, length, operator.dModel]),
    next: hasNext ? { label: 'y_next', value: asToken(need(tensors, 'y_next', [batch, operator.dModel])) } : undefined,
    tolerance: toleranceOf(golden, 'y'),
    stateTolerance: toleranceOf(golden, 'state'),
    lead: 0,
    states: expectedStates(operator, tensors, 'state.'),
    nextStates: hasNext ? expectedStates(operator, tensors, 'state_next.') : [],
  }
}

function expectedStates(operator: Operator, tensors: Tensors, prefix: string): ExpectedState[] {
  const given = withPrefix(tensors, prefix)
  const states = operator.lower('decode', 1, 1, 1).states.map(({ name }) => name.slice(STATES.length))
  const foreign = [...given.keys()].find((name) => !states.includes(name))
  if (foreign !== undefined) invalid(prefix + foreign, `the ${operator.block.kind} block has no state ${foreign}`)
  return states.map((short) => ({
    name: STATES + short,
    short,
    owner: operator,
    value: need(tensors, prefix + short),
    label: prefix + short,
  }))
}

/** The value before blending: what the block leaves to others when it is the first of its kind. */
async function checkOwnValue(
  golden: GoldenCase,
  operator: Operator,
  tensors: Tensors,
  weights: Arrays,
  target: Target,
  checks: Check[],
): Promise<void> {
  const x = need(tensors, 'x')
  const [batch, length] = x.shape as [number, number]
  const first = operatorOf(
    { ...golden, hyperParameters: { ...golden.hyperParameters, v_residual: false } },
    operator.dModel,
  )
  const { graph } = first.lower('train', batch, length, length)
  const name = `shared.${FIRST_VALUE}`
  const results = await runGradients(target, graph, {}, [], { x: x.data, ...Object.fromEntries(weights) }, [name])
  reportTo(checks, target.kind, 'train').close(
    'v_own',
    results.get(name)!,
    need(tensors, 'v_own'),
    toleranceOf(golden, 'y'),
  )
}
