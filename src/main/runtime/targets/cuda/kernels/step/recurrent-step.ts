// Linear attention on one token: S <- e^decay S; w = v, or beta (v - Sᵀk); S <- S + k wᵀ; o = scale Sᵀq. A block takes 32
// columns of the state of a head, which never mix; each of its warps keeps some rows of them in registers, so that the state
// is read and written once.

import type { Node, Value } from '#core/graph/types.ts'
import { Emitter, numberText } from '../../schedule/emitter.ts'
import { indexText, plus, times, variable } from '../../schedule/integer.ts'
import type { Index } from '../../schedule/integer.ts'
import { rowCode } from '../row-operand.ts'
import { KernelWriter } from '../writer.ts'
import type { Launch } from '../writer.ts'
import type { StepMemory, StepOp } from './step-op.ts'

const COLUMNS = 32
const WARPS = 8
const MAX_KEYS = 512

interface Parts {
  readonly q: Value
  readonly k: Value
  readonly v: Value
  readonly state: Value
  readonly decay: Value | undefined
  readonly beta: Value | undefined
}

function partsOf(node: Node): Parts {
  const [q, k, v, state, ...rest] = node.inputs as [Value, Value, Value, Value, ...Value[]]
  const rule = node.attrs['rule'] as string
  const isGated = rule === 'gated' || rule === 'gated_delta'
  return {
    q,
    k,
    v,
    state,
    decay: isGated ? rest[0] : undefined,
    beta: rule.endsWith('delta') ? rest.at(-1) : undefined,
  }
}

function recurrentKernel(node: Node, memory: StepMemory): Launch {
  const { q, k, v, state, decay, beta } = partsOf(node)
  const [batch, heads, keys, values] = state.type.shape as [number, number, number, number]
  const groups = q.type.shape[2]!
  const perWarp = Math.ceil(keys / WARPS)
  const writer = new KernelWriter(memory.bufferOf)
  const bh = variable('h', batch * heads)
  // of B heads, which share the queries and keys of a group
  const group = groups === heads ? bh : variable('g', batch * groups)
  const row = (value: Value, rows: number, index: Index, name: string): readonly string[] => {
    const code = rowCode(
      {
        value,
        rows,
        length: keys,
        row: index,
        lanes: 32,
        lane: 'lane',
        slots: 1,
        slot: '0u',
        read: (j) => `${name}[${j}]`,
        write: (j, element) => `${name}[${j}] = ${element};`,
        prefix: `${name}_`,
      },
      writer,
    )
    shared.push(`__shared__ float ${name}[${keys}];`, ...code.shared)
    return code.lines
  }
  const shared: string[] = []
  const single = (value: Value, at: Index, name: string, target = name): readonly string[] => {
    const emitter = new Emitter(
      {
        read: (operand, place) => {
          const buffer = memory.bufferOf(operand)
          return buffer === undefined ? undefined : writer.load(buffer, place)
        },
      },
      `${name}_`,
    )
    const element = emitter.element(value, at)
    return [...emitter.lines, `${target} = ${element};`]
  }
  const perKey = decay !== undefined && decay.type.shape.length === 4
  const ofHead = decay !== undefined && decay.type.shape[0] === 1 && batch > 1 ? variable('hh', heads) : bh
  const column = plus(times(bh, values), variable('c', values))
  const isWhole = values % COLUMNS === 0
  const rows = (lines: readonly string[]): string[] => [
    '#pragma unroll',
    `for (unsigned i = 0; i < ${perWarp}u; i++) {`,
    `unsigned k = i * ${WARPS}u + warp;`,
    ...(keys % WARPS === 0 ? [] : [`if (k >= ${keys}u) break;`]),
    ...lines,
    '}',
  ]
  const cell = plus(times(plus(times(bh, keys), variable('k', keys)), values), variable('c', values))
  const load = rows(single(state, cell, 'state', 's[i]'))
  const total = (from: string): string => Array.from({ length: WARPS }, (_, w) => `${from}[${w}][lane]`).join(' + ')
  const warps = [
    row(q, batch * groups, group, 'query'),
    row(k, batch * groups, group, 'key'),
    ...(perKey ? [row(decay, decay.type.shape[0]! * heads, ofHead, 'fade')] : []),
  ]
  const [isOutput, isState] = [memory.isRead(node.outputs[0]!), memory.isRead(node.outputs[1]!)]
  const body = [
    'unsigned lane = threadIdx.x % 32u, warp = threadIdx.x / 32u;',
    'unsigned h = blockIdx.y;',
    `unsigned c = blockIdx.x * ${COLUMNS}u + lane;`,
    ...(isWhole ? [] : [`bool isColumn = c < ${values}u;`, 'if (!isColumn) c = 0;']),
    ...(group === bh ? [] : [`unsigned g = h / ${heads / groups}u;`]),
    ...(ofHead === bh ? [] : [`unsigned hh = h % ${heads}u;`]),
    ...shared,
    `__shared__ float parts[${WARPS}][32], sums[${WARPS}][32];`,
    `float s[${perWarp}];`,
    ...load,
    ...warps.flatMap((lines, i) => [`${i === 0 ? '' : 'else '}if (warp == ${i}u) {`, ...lines, '}']),
    'float v, decay = 1.0f, beta = 1.0f;',
    '{',
    ...single(v, column, 'v'),
    '}',
    ...(decay === undefined || perKey ? [] : ['{', ...single(decay, ofHead, 'decay'), 'decay = expf(decay);', '}']),
    ...(beta === undefined ? [] : ['{', ...single(beta, bh, 'beta'), '}']),
    '__syncthreads();',
    ...(decay === undefined ? [] : rows([`s[i] *= ${perKey ? 'expf(fade[k])' : 'decay'};`])),
    ...(beta === undefined
      ? []
      : [
          'float read = 0.0f;',
          ...rows(['read = fmaf(s[i], key[k], read);']),
          'parts[warp][lane] = read;',
          '__syncthreads();',
          `v = beta * (v - (${total('parts')}));`,
        ]),
    'float o = 0.0f;',
    ...rows([
      's[i] = fmaf(key[k], v, s[i]);',
      'o = fmaf(s[i], query[k], o);',
      ...(isState
        ? [`${isWhole ? '' : 'if (isColumn) '}${writer.store(memory.bufferOf(node.outputs[1]!)!, cell, 's[i]')}`]
        : []),
    ]),
    ...(isOutput
      ? [
          'sums[warp][lane] = o;',
          '__syncthreads();',
          `if (warp == 0u${isWhole ? '' : ' && isColumn'}) ${writer.store(memory.bufferOf(node.outputs[0]!)!, indexText(column), `(${total('sums')}) * ${numberText(node.attrs['scale'] as number, 'f32')}`)}`,
        ]
      : []),
  ]
  return writer.finish('recurrent', [Math.ceil(values / COLUMNS), batch * heads], WARPS * 32, body)
}

export const recurrentStep: StepOp = {
  kind: 'linear_attention',
  claims: (node) => node.inputs[0]!.type.shape[1] === 1 && node.inputs[0]!.type.shape[3]! <= MAX_KEYS,
  rowOperands: (node) => {
    const { decay } = partsOf(node)
    return decay !== undefined && decay.type.shape.length === 4 ? [0, 1, 4] : [0, 1]
  },
  states: [{ output: 1, input: 3, isCache: false }],
  launches: (node, memory) => [recurrentKernel(node, memory)],
}
