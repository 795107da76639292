import type { Program } from '#core/graph/program.ts'
import type { Graph, Node } from '#core/graph/types.ts'

/** What a caller feeds and reads: f32 as Float32Array, i32 as Int32Array. */
export type HostArray = Float32Array | Int32Array

export type Availability =
  { readonly isAvailable: true; readonly version: string } | { readonly isAvailable: false; readonly reason: string }

/** How a node was executed: by a kernel of the runtime for the fused op, or as its meaning in primitive ops. */
export interface ClaimedOp {
  readonly scope: string
  readonly op: string
}

/** Data by name; what is still being made may be on its way while a program is planned. */
export type Initial = ReadonlyMap<string, Float32Array | Promise<Float32Array>>

/** The same when all of it is there. */
export async function arrived(initial: Initial): Promise<ReadonlyMap<string, Float32Array>> {
  return new Map(await Promise.all([...initial].map(async ([name, data]) => [name, await data] as const)))
}

export interface OpenOptions {
  /**
   * Data of frozen inputs and first values of state; bound state that is not named starts at zero. An input that is named
   * but neither frozen nor bound is state as well, which only a program that shares it changes.
   */
  readonly initial: Initial
  /** State shared with another session of the same target: weights of a training run that an evaluation reads. */
  readonly share?: Session
  readonly threads?: number
  /** Record a trace of every node; see `Session.trace`. */
  readonly profile?: boolean
  /** Decompose every fused op, to compare with what the runtime's own kernels do. */
  readonly decomposeAll?: boolean
  readonly onPass?: (pass: string, graph: Graph) => void
}

/** Seconds spent in each part of opening a program. */
export interface OpenTimes {
  readonly passesS: number
  readonly encodeS: number
  readonly sessionS: number
}

/** A program that is open on a target, with its state where it computes. */
export interface Session {
  /** Fused ops that the target executed itself; the others were decomposed. */
  readonly claimed: readonly ClaimedOp[]
  /** The graph that runs, after all passes. */
  readonly graph: Graph
  readonly times: OpenTimes
  /**
   * Runs that may be asked for before the first of them has ended; none where it is left out. What they read is then single
   * numbers.
   */
  readonly ahead?: number
  /**
   * One run: takes what changes, advances the bound state and returns the outputs that were asked for.
   * Throws HeddleError `target-failed`.
   */
  run(
    feeds: Readonly<Record<string, HostArray>>,
    reads?: readonly string[],
  ): Promise<Readonly<Record<string, HostArray>>>
  /** The same, blocking: for measurements, where the event loop must stay out of the way. */
  runSync(feeds: Readonly<Record<string, HostArray>>, reads?: readonly string[]): Readonly<Record<string, HostArray>>
  /** A copy of a bound state. */
  read(state: string): Float32Array
  write(state: string, data: Float32Array): void
  /**
   * Milliseconds of a run by the device's own clock, when `runs` of them follow each other with what was fed last; one number
   * for each of the repeats. Only of devices that have a clock.
   */
  runTimes?(runs: number, repeats: number): readonly number[]
  /** Ends the trace and returns its events, kernel times by node. */
  trace?(): readonly TraceEvent[]
  close(): void
}

export interface TraceEvent {
  /** Name of the ONNX node, which begins with the scope. */
  readonly node: string
  readonly opType: string
  readonly provider: string
  readonly microseconds: number
}

/** What a program would take of a target, known before anything is opened. */
export interface ProgramPlan {
  /** Bytes of the target's memory. */
  readonly bytes: number
  /** Why it cannot run however much memory there is; undefined where it can. */
  readonly limit: string | undefined
  /** What would run, and the memory plan, for people. */
  text(): string
}

/** Where programs run. */
export interface Target {
  readonly kind: string
  readonly title: string
  readonly doc: string
  /** What activations and operands of products are, where it is not f32. */
  readonly dtype?: 'bf16' | 'f16' | 'tf32'
  /** Says whether it works here, else why not; never throws. */
  probe(): Availability
  /** Begins with what `open` would wait for, while the caller has other work; never throws, never waits. */
  wake?(): void
  /** Whether this target executes a fused node itself in a phase. */
  claims(node: Node, phase: Program['phase']): boolean
  /** The plan of a program, made without a device; only of targets that plan ahead. */
  plan?(program: Program): ProgramPlan
  /** Bytes that a program may take here now. Throws HeddleError where the target is not available. */
  freeBytes?(): number
  open(program: Program, options: OpenOptions): Promise<Session>
  /** The same target on each further device of this machine; never throws. */
  furtherDevices?(): readonly Target[]
}
