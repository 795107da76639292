// A program on a machine: memory, kernels made ready, one replay per run. State stays on the device and is updated in place,
// so that sessions which share it need no agreement about whose turn it is.

import { HeddleError } from '#core/errors.ts'
import { spread } from '#core/graph/tensor.ts'
import type { Program } from '#core/graph/program.ts'
import type { Graph } from '#core/graph/types.ts'
import { ops } from '#core/ops/index.ts'
import { arrived } from '../target.ts'
import type { ClaimedOp, HostArray, OpenOptions, OpenTimes, Session, TraceEvent } from '../target.ts'
import type { ComingMachine, Command, Kernel, Machine, PrepareOptions, PrepareTimes, Replay } from './driver/machine.ts'
import type { Buffer } from './schedule/job.ts'
import { bufferBytes, keptOnce } from './schedule/memory.ts'
import { dependencies } from './schedule/launches/lanes.ts'
import type { Range, Touched } from './schedule/launches/lanes.ts'
import { launchLimit, neededBytes, planProgram } from './plan.ts'
import type { CudaOptions } from './plan.ts'
import { halfOf } from './schedule/precision.ts'
import type { Schedule, Step } from './schedule/schedule.ts'
import { blockOf, newArray, Slots, SLOTS, SMALL_BYTES } from './slots.ts'
import type { Block, Slot } from './slots.ts'
import { narrowed, STORED_BYTES, widened } from './schedule/values.ts'
import type { Stored } from './schedule/values.ts'

interface StatePlace {
  readonly address: bigint
  readonly size: number
  readonly stored: Stored
}

/** State in device memory, shared by sessions; freed when the last of them closes. */
interface SharedState {
  readonly places: Map<string, StatePlace>
  sessions: number
}

/** Seconds of what a device does before the first run, and of waiting for the device. */
interface Prepared extends PrepareTimes {
  readonly deviceS: number
}

/** A session of this target, with what `heddle lower --trace` and the benchmark print. */
export interface CudaSession extends Session {
  readonly state: SharedState
  readonly schedule: Schedule
  readonly prepared: Prepared
  /** Starts a run without waiting for it; `feeds` may be left out where they have not changed. */
  start(feeds: Readonly<Record<string, HostArray>>): void
  finish(): Promise<void>
  runTimes(runs: number, repeats: number): readonly number[]
}

/** Opens a program on a machine; throws HeddleError `target-failed`. */
export async function openOnMachine(
  coming: ComingMachine,
  program: Program,
  options: OpenOptions,
  cuda: CudaOptions,
): Promise<CudaSession> {
  const shared = (options.share as CudaSession | undefined)?.state
  const isThere = (name: string): boolean => shared?.places.has(name) === true
  const started = performance.now()
  let deviceS = 0
  const waited = <T>(get: () => T): T => {
    const asked = performance.now()
    const result = get()
    deviceS += (performance.now() - asked) / 1000
    return result
  }
  const opened = (): Machine => waited(() => coming.open())
  const { graph, plan, passesS } = planProgram(program, {
    ...cuda,
    sharedBytes: () => waited(() => coming.sharedBytes()),
    decomposeAll: options.decomposeAll === true,
    isState: (name) => options.initial.has(name) || isThere(name),
    fits: (candidate) => neededBytes(candidate, isThere) <= opened().freeBytes(),
    onPass: options.onPass,
  })
  const limit = launchLimit(plan)
  if (limit !== undefined) throw new HeddleError('target-failed', limit, { hint: 'use a smaller batch or sequence' })
  const machine = opened()
  const isTraining = program.phase === 'train'
  const scheduled = performance.now()
  const initial = await arrived(options.initial)
  const memory = new SessionMemory(machine, plan, program, shared ?? { places: new Map(), sessions: 0 }, initial)
  try {
    const prepare: PrepareOptions = { isFast: halfOf(cuda.compute) !== undefined }
    const once = await runOnce(machine, plan, memory, prepare)
    memory.releaseMasters(plan, program)
    const steps = plan.steps.filter((step) => !step.isOnce)
    const after = isTraining ? dependencies(steps.map((step) => memory.touched(step))) : undefined
    const replay = await machine.prepare(...commandsOf(steps, memory), { ...prepare, ...(after && { after }) })
    const times: OpenTimes = {
      passesS,
      encodeS: (scheduled - started) / 1000 - passesS - deviceS,
      sessionS: (performance.now() - scheduled) / 1000 + deviceS,
    }
    const prepared = {
      ...replay.prepared,
      deviceS,
      compileS: replay.prepared.compileS + once.compileS,
      compiled: replay.prepared.compiled + once.compiled,
      cached: replay.prepared.cached + once.cached,
    }
    return new OpenProgram(machine, graph, plan, memory, replay, times, prepared)
  } catch (error) {
    memory.release()
    throw error
  }
}

/** Runs what depends on nothing that changes. */
async function runOnce(
  machine: Machine,
  plan: Schedule,
  memory: SessionMemory,
  prepare: PrepareOptions,
): Promise<PrepareTimes> {
  const steps = plan.steps.filter((step) => step.isOnce)
  if (steps.length === 0) return { compileS: 0, captureS: 0, compiled: 0, cached: 0 }
  const replay = await machine.prepare(...commandsOf(steps, memory), prepare)
  replay.start()
  machine.finishSync()
  replay.release()
  return replay.prepared
}

function commandsOf(steps: readonly Step[], memory: SessionMemory): [Kernel[], Command[]] {
  const kernels = new Map<string, Kernel>()
  const commands = steps.map(({ action }): Command => {
    switch (action.kind) {
      case 'kernel': {
        const { kernel, grid, block, shared = 0, buffers } = action.launch
        kernels.set(kernel.name, kernel)
        return { kind: 'kernel', name: kernel.name, grid, block, shared, args: buffers.map((b) => memory.address(b)) }
      }
      case 'table': {
        const { kernel, grid, block } = action.launch
        kernels.set(kernel.name, kernel)
        const table = memory.table(action.rows.flat().map((buffer) => memory.address(buffer)))
        return { kind: 'kernel', name: kernel.name, grid, block, shared: 0, args: [table] }
      }
      case 'matmul': {
        const { shape, a, b, c } = action
        return { kind: 'matmul', shape, a: memory.place(a), b: memory.place(b), c: memory.place(c) }
      }
      case 'copy':
        return {
          kind: 'copy',
          from: memory.address(action.from),
          to: memory.address(action.to),
          bytes: memory.bytes(action.to),
        }
    }
  })
  return [[...kernels.values()], commands]
}

/** Device memory of a session: its own, and state that it may share. */
class SessionMemory {
  readonly state: SharedState
  readonly feeds: Block
  /** Results that come back with their run. */
  readonly results: Block
  readonly #machine: Machine
  readonly #addresses = new Map<Buffer, bigint>()
  readonly #own: bigint[] = []

  constructor(
    machine: Machine,
    plan: Schedule,
    program: Program,
    state: SharedState,
    initial: ReadonlyMap<string, Float32Array>,
  ) {
    this.#machine = machine
    this.state = state
    state.sessions++
    try {
      this.#checkRoom(plan)
      const once = keptOnce(plan.steps)
      this.feeds = this.#addBlock(plan.buffers.filter(({ home }) => home === 'feed'))
      this.results = this.#addBlock(plan.buffers.filter((b) => b.home === 'result' && bufferBytes(b) <= SMALL_BYTES))
      for (const buffer of plan.buffers) {
        if (buffer.home === 'state') this.#addState(buffer, program, initial.get(buffer.name))
        else if (this.#addresses.has(buffer)) continue
        else if (buffer.home !== 'arena' || once.has(buffer))
          this.#addresses.set(buffer, this.#allocate(bufferBytes(buffer)))
        if (buffer.constant !== undefined) machine.upload(this.address(buffer), constantData(buffer))
      }
      const { offsets, arenaBytes } = plan.memory
      const arena = arenaBytes === 0 ? 0n : this.#allocate(arenaBytes)
      for (const [buffer, offset] of offsets) this.#addresses.set(buffer, arena + BigInt(offset))
      machine.finishSync()
    } catch (error) {
      this.release()
      throw error
    }
  }

  #checkRoom(plan: Schedule): void {
    const needed = neededBytes(plan, (name) => this.state.places.has(name))
    const free = this.#machine.freeBytes()
    if (needed <= free) return
    const text = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`
    throw new HeddleError(
      'target-failed',
      `the program needs ${text(needed)} of device memory (${text(plan.memory.arenaBytes)} for intermediate values), of which ${text(free)} are free on ${this.#machine.title}`,
      { hint: 'use a smaller batch or sequence, or close other programs that use the device' },
    )
  }

  #allocate(bytes: number): bigint {
    const address = this.#machine.allocate(bytes)
    this.#own.push(address)
    return address
  }

  #addBlock(buffers: readonly Buffer[]): Block {
    const block = blockOf(buffers, (bytes) => this.#allocate(bytes))
    for (const [buffer, offset] of block.offsets) this.#addresses.set(buffer, block.address + BigInt(offset))
    return block
  }

  #addState(buffer: Buffer, program: Program, initial: Float32Array | undefined): void {
    const { name, size } = buffer
    let place = this.state.places.get(name)
    if (place === undefined) {
      if (initial === undefined && program.frozen.includes(name)) throw new Error(`no value named ${name}`)
      if (initial !== undefined && initial.length !== size)
        throw new Error(`initial state ${name} has ${initial.length} elements, needs ${size}`)
      place = { address: this.#machine.allocate(bufferBytes(buffer)), size, stored: buffer.stored }
      this.state.places.set(name, place)
      if (initial === undefined) this.#machine.clear(place.address, bufferBytes(buffer))
      else this.#machine.upload(place.address, narrowed(place.stored, initial))
    } else if (place.size !== size || place.stored !== buffer.stored)
      throw new Error(`shared state ${name} is ${place.stored}[${place.size}], needs ${buffer.stored}[${size}]`)
    this.#addresses.set(buffer, place.address)
  }

  /** Gives back frozen inputs that only what runs once has read, unless other sessions may want them. */
  releaseMasters(plan: Schedule, program: Program): void {
    if (this.state.sessions > 1) return
    const read = new Set(plan.steps.filter((step) => !step.isOnce).flatMap((step) => step.reads))
    for (const name of program.frozen) {
      const buffer = plan.inputs.get(name)
      const place = this.state.places.get(name)
      if (buffer === undefined || place === undefined || read.has(buffer)) continue
      this.#machine.release(place.address)
      this.state.places.delete(name)
      this.#addresses.delete(buffer)
    }
  }

  address(buffer: Buffer): bigint {
    const address = this.#addresses.get(buffer)
    if (address === undefined) throw new Error(`buffer ${buffer.name} has no memory`)
    return address
  }

  /** Memory that holds addresses. */
  table(addresses: readonly bigint[]): bigint {
    const data = BigUint64Array.from(addresses)
    const place = this.#allocate(data.byteLength)
    this.#machine.upload(place, data)
    // the upload reads the array before it is gone
    this.#machine.finishSync()
    return place
  }

  place({ buffer, offset }: { readonly buffer: Buffer; readonly offset: number }): bigint {
    return this.address(buffer) + BigInt(offset * STORED_BYTES[buffer.stored])
  }

  /** The memory that a step reads and writes. */
  touched({ reads, writes }: Step): Touched {
    const range = (buffer: Buffer): Range => {
      const from = Number(this.address(buffer))
      return { from, to: from + this.bytes(buffer) }
    }
    return { reads: reads.map(range), writes: writes.map(range) }
  }

  bytes(buffer: Buffer): number {
    return buffer.size * STORED_BYTES[buffer.stored]
  }

  release(): void {
    for (const address of this.#own.splice(0)) this.#machine.release(address)
    if (this.state.sessions > 0 && --this.state.sessions > 0) return
    for (const { address } of this.state.places.values()) this.#machine.release(address)
    this.state.places.clear()
  }
}

function constantData(buffer: Buffer): ArrayBufferView {
  const value = buffer.constant!
  const data = spread(value.node.data!, value.type.shape)
  if (buffer.stored === 'f32') return Float32Array.from(data)
  return buffer.stored === 'i32' ? Int32Array.from(data) : Uint8Array.from(data)
}

class OpenProgram implements CudaSession {
  readonly claimed: readonly ClaimedOp[]
  readonly graph: Graph
  readonly schedule: Schedule
  readonly times: OpenTimes
  readonly prepared: Prepared
  readonly #machine: Machine
  readonly #memory: SessionMemory
  readonly #replay: Replay
  readonly #slots: Slots
  readonly ahead = SLOTS - 1
  /** An output that is being waited for and that the next run would overwrite. */
  #awaited: string | undefined
  #isClosed = false

  constructor(
    machine: Machine,
    graph: Graph,
    plan: Schedule,
    memory: SessionMemory,
    replay: Replay,
    times: OpenTimes,
    prepared: Prepared,
  ) {
    this.#machine = machine
    this.#memory = memory
    this.#replay = replay
    this.graph = graph
    this.schedule = plan
    this.times = times
    this.prepared = prepared
    this.#slots = new Slots(machine, memory.feeds, memory.results)
    this.claimed = graph.nodes
      .filter((n) => ops.get(n.op)!.decompose !== undefined)
      .map(({ scope, op }) => ({ scope, op }))
  }

  get state(): SharedState {
    return this.#memory.state
  }

  start(feeds: Readonly<Record<string, HostArray>>): void {
    this.#start(feeds, false)
  }

  finish(): Promise<void> {
    return this.#machine.finish()
  }

  runTimes(runs: number, repeats: number): readonly number[] {
    return this.#replay.runTimes(runs, repeats)
  }

  async run(
    feeds: Readonly<Record<string, HostArray>>,
    reads: readonly string[] = [],
  ): Promise<Readonly<Record<string, HostArray>>> {
    this.#checkFeeds(feeds)
    const large = reads.find((name) => !this.#memory.results.offsets.has(this.#output(name)))
    const slot = this.#start(feeds, reads.length > 0)
    this.#awaited = large
    try {
      await slot.end.finish()
      return this.#read(slot, reads)
    } finally {
      slot.isWanted = false
      if (large !== undefined) this.#awaited = undefined
    }
  }

  runSync(
    feeds: Readonly<Record<string, HostArray>>,
    reads: readonly string[] = [],
  ): Readonly<Record<string, HostArray>> {
    this.#checkFeeds(feeds)
    const slot = this.#start(feeds, reads.length > 0)
    slot.end.finishSync()
    return this.#read(slot, reads)
  }

  read(state: string): Float32Array {
    const { address, size, stored } = this.state.places.get(state) ?? missing(state)
    return widened(stored, size, (into) => this.#machine.download(address, into))
  }

  write(state: string, data: Float32Array): void {
    const { address, size, stored } = this.state.places.get(state) ?? missing(state)
    if (data.length !== size) throw new Error(`state ${state} takes ${size} elements, got ${data.length}`)
    this.#machine.upload(address, narrowed(stored, data))
    this.#machine.finishSync()
  }

  trace(): readonly TraceEvent[] {
    const steps = this.schedule.steps.filter((step) => !step.isOnce)
    return this.#replay.times(5).map((milliseconds, i) => ({
      node: steps[i]!.scope,
      opType: `${steps[i]!.action.kind} ${steps[i]!.label}`,
      provider: 'CUDA',
      microseconds: milliseconds * 1000,
    }))
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    try {
      this.#machine.finishSync()
    } catch {
      // what failed has been said where it failed; a lost device has no memory to give back
      return
    }
    this.#replay.release()
    this.#slots.release()
    this.#memory.release()
  }

  #checkFeeds(feeds: Readonly<Record<string, HostArray>>): void {
    for (const { name } of this.#memory.feeds.offsets.keys()) if (feeds[name] === undefined) missing(name)
  }

  #start(feeds: Readonly<Record<string, HostArray>>, isWanted: boolean): Slot {
    if (this.#awaited !== undefined) throw new Error(`the run that reads ${this.#awaited} must end before the next`)
    return this.#slots.start(feeds, () => this.#replay.start(), isWanted)
  }

  #output(name: string): Buffer {
    return this.schedule.outputs.get(name) ?? missing(name)
  }

  #read(slot: Slot, reads: readonly string[]): Readonly<Record<string, HostArray>> {
    slot.isWanted = false
    return Object.fromEntries(
      reads.map((name) => {
        const buffer = this.#output(name)
        const small = this.#slots.result(slot, buffer)
        if (small !== undefined) return [name, small]
        const data = newArray(buffer)
        this.#machine.download(this.#memory.address(buffer), data)
        return [name, data]
      }),
    )
  }
}

function missing(name: string): never {
  throw new Error(`no value named ${name}`)
}
