// ONNX Runtime behind the Session interface, shared by its execution providers. State lives in pairs of arrays that swap
// roles after each run (ping-pong), so that nothing is copied between runs.

import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import { encodeModel, encodeModelExternal } from '#core/onnx/encode.ts'
import type { ModelProto } from '#core/onnx/proto.ts'
import { emitOnnx } from '#core/onnx/emit.ts'
import type { Program } from '#core/graph/program.ts'
import type { Graph, Node, TensorType } from '#core/graph/types.ts'
import { inputsOf, sizeOf } from '#core/graph/types.ts'
import { ops } from '#core/ops/index.ts'
import { optimise } from '#core/passes/pipeline.ts'
import { openOrt } from './ort-api.ts'
import type { Binding, OrtSession, Provider, ProviderName } from './ort-api.ts'
import { readTrace } from './ort-trace.ts'
import { arrived } from './target.ts'
import type { Availability, HostArray, OpenOptions, Session } from './target.ts'

/** A state in its two places; `current` holds the latest value. */
interface Pair {
  readonly arrays: readonly [Float32Array, Float32Array]
  current: 0 | 1
}

interface OrtProgramSession extends Session {
  readonly pairs: Map<string, Pair>
}

export interface OrtTargetOptions {
  readonly providers: readonly Provider[]
  readonly claims: (node: Node) => boolean
  readonly config: Readonly<Record<string, string>>
  readonly threads: number
}

/** Whether the library has a provider that works here; never throws. */
export function probeProvider(name: ProviderName): Availability {
  try {
    const runtime = openOrt()
    const [status] = runtime.listProviders([name])
    return status!.isAvailable
      ? { isAvailable: true, version: runtime.version }
      : { isAvailable: false, reason: status!.reason }
  } catch (error) {
    return { isAvailable: false, reason: (error as Error).message }
  }
}

const newArray = (type: TensorType): HostArray =>
  type.dtype === 'f32' ? new Float32Array(sizeOf(type.shape)) : new Int32Array(sizeOf(type.shape))

/** GroupQueryAttention refuses other head widths when it runs. */
export const takesHeadWidth = (node: Node): boolean => node.inputs[0]!.type.shape[3]! % 8 === 0

/** Compiles a program and prepares its state. */
export async function openOrtProgram(
  program: Program,
  options: OpenOptions,
  target: OrtTargetOptions,
): Promise<Session> {
  const clock = stopwatch()
  const claims = options.decomposeAll === true ? () => false : target.claims
  const graph = optimise(program.graph, { claims, trace: options.onPass })
  const passesS = clock()
  const initial = await arrived(options.initial)
  const frozen = new Map(program.frozen.map((name) => [name, initial.get(name) ?? missing(name)]))
  const proto = emitOnnx(graph, { name: program.name, frozen })
  const isLarge = [...frozen.values()].reduce((sum, data) => sum + data.byteLength, 0) > EXTERNAL_ABOVE_BYTES
  const file = isLarge ? writeLargeModel(proto) : undefined
  const model = file?.path ?? encodeModel(proto)
  const encodeS = clock()
  try {
    const ort = openOrt().createSession(model, {
      threads: options.threads ?? target.threads,
      optimization: 'all',
      // a plan of all intermediate values is 7 % faster in training but needs twice the memory
      memoryPattern: program.phase !== 'train',
      providers: target.providers,
      config: target.config,
      ...(options.profile === true && { profile: join(tmpdir(), `heddle-${process.pid}-${program.name}`) }),
    })
    return new OrtProgram(program, graph, ort, options, initial, { passesS, encodeS, sessionS: clock() })
  } finally {
    // the session has read or mapped the weights: the file may go
    file?.remove()
  }
}

/** A protobuf message ends at 2 GiB, so larger models keep their weights in a file beside them. */
const EXTERNAL_ABOVE_BYTES = 1.8 * 2 ** 30

function writeLargeModel(proto: ModelProto): { readonly path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-model-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    const { model, external } = encodeModelExternal(proto, { threshold: 1024, fileName: 'weights' })
    const descriptor = openSync(join(folder, 'weights'), 'w')
    try {
      for (const chunk of external) writeAll(descriptor, chunk)
    } finally {
      closeSync(descriptor)
    }
    const path = join(folder, 'model.onnx')
    writeFileSync(path, model)
    return { path, remove }
  } catch (error) {
    remove()
    throw new HeddleError(
      'target-failed',
      `a model above 2 GiB needs room for its weights in ${tmpdir()}: ${(error as Error).message}`,
      {
        hint: 'free some space, or set TMPDIR to a folder that has it',
      },
    )
  }
}

function writeAll(descriptor: number, chunk: Uint8Array): void {
  for (let done = 0; done < chunk.length;)
    done += writeSync(descriptor, chunk, done, Math.min(chunk.length - done, 2 ** 30))
}

class OrtProgram implements OrtProgramSession {
  readonly claimed: Session['claimed']
  readonly graph: Graph
  readonly times: Session['times']
  readonly pairs: Map<string, Pair>
  readonly #ort: OrtSession
  readonly #program: Program
  readonly #feeds: Readonly<Record<string, { data: HostArray; shape: readonly number[] }>>
  readonly #outputs = new Map<string, { data: HostArray; shape: readonly number[] }>()
  readonly #stateInputs: readonly { name: string; shape: readonly number[] }[]
  readonly #bindings = new Map<string, Binding>()
  #isTracing: boolean

  constructor(
    program: Program,
    graph: Graph,
    ort: OrtSession,
    options: OpenOptions,
    initial: ReadonlyMap<string, Float32Array>,
    times: Session['times'],
  ) {
    this.#isTracing = options.profile === true
    this.#program = program
    this.#ort = ort
    this.graph = graph
    this.times = times
    this.claimed = graph.nodes
      .filter((n) => ops.get(n.op)!.decompose !== undefined)
      .map(({ scope, op }) => ({ scope, op }))
    const shared = (options.share as OrtProgramSession | undefined)?.pairs
    this.pairs = shared ?? new Map<string, Pair>()
    const bound = new Set(program.bindings.map((b) => b.input))
    const stateInputs: { name: string; shape: readonly number[] }[] = []
    const feeds: Record<string, { data: HostArray; shape: readonly number[] }> = {}
    for (const [name, node] of inputsOf(graph)) {
      const { type } = node.outputs[0]!
      if (program.frozen.includes(name)) continue
      if (bound.has(name) || shared?.has(name) || initial.has(name)) {
        if (!this.pairs.has(name)) this.pairs.set(name, newPair(type, initial.get(name)))
        stateInputs.push({ name, shape: type.shape })
      } else feeds[name] = { data: newArray(type), shape: type.shape }
    }
    this.#stateInputs = stateInputs
    this.#feeds = feeds
    for (const { name, value } of graph.outputs) {
      if (!program.bindings.some((b) => b.output === name))
        this.#outputs.set(name, { data: newArray(value.type), shape: value.type.shape })
    }
  }

  async run(
    feeds: Readonly<Record<string, HostArray>>,
    reads: readonly string[] = [],
  ): Promise<Readonly<Record<string, HostArray>>> {
    const binding = this.#prepare(feeds)
    await binding.runAsync()
    return this.#finish(reads)
  }

  runSync(
    feeds: Readonly<Record<string, HostArray>>,
    reads: readonly string[] = [],
  ): Readonly<Record<string, HostArray>> {
    this.#prepare(feeds).run()
    return this.#finish(reads)
  }

  read(state: string): Float32Array {
    const pair = this.pairs.get(state) ?? missing(state)
    return pair.arrays[pair.current].slice()
  }

  write(state: string, data: Float32Array): void {
    const pair = this.pairs.get(state) ?? missing(state)
    pair.arrays[pair.current].set(data)
  }

  trace(): ReturnType<NonNullable<Session['trace']>> {
    this.#isTracing = false
    return readTrace(this.#ort.endProfiling())
  }

  close(): void {
    // ONNX Runtime writes the trace whether anybody reads it or not
    if (this.#isTracing) rmSync(this.#ort.endProfiling(), { force: true })
    this.#isTracing = false
    this.#ort.release()
  }

  #prepare(feeds: Readonly<Record<string, HostArray>>): Binding {
    for (const [name, place] of Object.entries(this.#feeds)) {
      const data = feeds[name] ?? missing(name)
      if (data.length !== place.data.length)
        throw new Error(`input ${name} takes ${place.data.length} elements, got ${data.length}`)
      place.data.set(data)
    }
    // one binding for each combination of sides that occurs: two for a program on its own
    const key = this.#stateInputs.map(({ name }) => this.pairs.get(name)!.current).join('')
    let binding = this.#bindings.get(key)
    if (binding === undefined) this.#bindings.set(key, (binding = this.#bind()))
    return binding
  }

  #bind(): Binding {
    const inputs: Record<string, { data: HostArray; shape: readonly number[] }> = { ...this.#feeds }
    const outputs: Record<string, { data: HostArray; shape: readonly number[] }> = Object.fromEntries(this.#outputs)
    for (const { name, shape } of this.#stateInputs) {
      const pair = this.pairs.get(name)!
      inputs[name] = { data: pair.arrays[pair.current], shape }
      const output = this.#program.bindings.find((b) => b.input === name)?.output
      if (output !== undefined) outputs[output] = { data: pair.arrays[1 - pair.current]!, shape }
    }
    return this.#ort.bind(inputs, outputs)
  }

  #finish(reads: readonly string[]): Readonly<Record<string, HostArray>> {
    for (const { input } of this.#program.bindings) {
      const pair = this.pairs.get(input)!
      pair.current = pair.current === 0 ? 1 : 0
    }
    return Object.fromEntries(reads.map((name) => [name, (this.#outputs.get(name) ?? missing(name)).data.slice()]))
  }
}

function newPair(type: TensorType, initial: Float32Array | undefined): Pair {
  const size = sizeOf(type.shape)
  if (initial !== undefined && initial.length !== size)
    throw new Error(`initial state has ${initial.length} elements, needs ${size}`)
  return { arrays: [initial?.slice() ?? new Float32Array(size), new Float32Array(size)], current: 0 }
}

function missing(name: string): never {
  throw new Error(`no value named ${name}`)
}

/** Seconds since the last call. */
function stopwatch(): () => number {
  let last = performance.now()
  return () => {
    const now = performance.now()
    const seconds = (now - last) / 1000
    last = now
    return seconds
  }
}
