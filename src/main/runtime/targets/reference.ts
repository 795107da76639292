// The interpreter as a target: float64, slow, and what every other target is compared with.

import type { Program } from '#core/graph/program.ts'
import { interpret } from '#core/graph/interpret.ts'
import type { Tensor } from '#core/graph/tensor.ts'
import { tensor } from '#core/graph/tensor.ts'
import { inputsOf, sizeOf } from '#core/graph/types.ts'
import { ops } from '#core/ops/index.ts'
import { optimise } from '#core/passes/pipeline.ts'
import { arrived } from './target.ts'
import type { HostArray, OpenOptions, Session, Target } from './target.ts'

export const reference: Target = {
  kind: 'reference',
  title: 'Reference interpreter',
  doc: 'Runs the decomposed graph node by node in float64. Exact and slow: for checking other targets.',
  probe: () => ({ isAvailable: true, version: '1' }),
  claims: () => false,
  open: openReference,
}

interface ReferenceSession extends Session {
  readonly state: Map<string, Tensor>
}

async function openReference(program: Program, options: OpenOptions): Promise<Session> {
  const started = performance.now()
  const graph = optimise(program.graph, { claims: () => false, trace: options.onPass, verifyEach: true })
  const passesS = (performance.now() - started) / 1000
  const initial = await arrived(options.initial)
  const inputs = inputsOf(graph)
  const fixed = new Set([
    ...program.frozen,
    ...program.bindings.map((b) => b.input),
    ...[...inputs.keys()].filter((name) => initial.has(name)),
  ])
  const state = (options.share as ReferenceSession | undefined)?.state ?? new Map<string, Tensor>()
  for (const name of fixed) {
    const { type } = inputs.get(name)!.outputs[0]!
    if (!state.has(name))
      state.set(name, tensor(type.dtype, type.shape, initial.get(name) ?? new Float64Array(sizeOf(type.shape))))
  }
  const runSync = (
    feeds: Readonly<Record<string, HostArray>>,
    reads: readonly string[] = [],
  ): Readonly<Record<string, HostArray>> => {
    const all = new Map<string, Tensor>()
    for (const [name, node] of inputs) {
      const { type } = node.outputs[0]!
      const fed = feeds[name]
      all.set(name, fed === undefined ? (state.get(name) ?? missing(name)) : tensor(type.dtype, type.shape, fed))
    }
    const outputs = interpret(graph, all, ops)
    for (const { input, output } of program.bindings) state.set(input, outputs.get(output)!)
    return Object.fromEntries(reads.map((name) => [name, toHost(outputs.get(name) ?? missing(name))]))
  }
  const session: ReferenceSession = {
    claimed: [],
    graph,
    times: { passesS, encodeS: 0, sessionS: 0 },
    state,
    runSync,
    run: (feeds, reads) => Promise.resolve().then(() => runSync(feeds, reads)),
    read: (name) => Float32Array.from((state.get(name) ?? missing(name)).data),
    write: (name, data) => void state.set(name, tensor('f32', (state.get(name) ?? missing(name)).shape, data)),
    close: () => undefined,
  }
  return session
}

function missing(name: string): never {
  throw new Error(`no value named ${name}`)
}

function toHost({ dtype, data }: Tensor): HostArray {
  return dtype === 'f32' ? Float32Array.from(data) : Int32Array.from(data)
}
