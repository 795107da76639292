// What a session needs of the thing that computes. `Device` is a GPU; tests run the same kernels on the CPU.

/** A generated kernel: one `extern "C" __global__` function of this name, whose parameters are all pointers. */
export interface Kernel {
  readonly name: string
  readonly source: string
  /** Sources of functions that it calls. */
  readonly uses?: readonly string[]
}

/** Blocks along x, y and z. */
export type Grid = readonly [number, number] | readonly [number, number, number]

export type Precision = 'f32' | 'bf16' | 'f16'

/** A row-major matrix operand, or a batch of them; addresses count in elements. */
export interface MatrixLayout {
  readonly type: Precision
  /** The memory holds the transpose: consecutive elements belong to one column. */
  readonly transposed: boolean
  /** Elements from one row (column, when transposed) to the next. */
  readonly lead: number
  /** Elements from one matrix of the batch to the next; 0 repeats one. */
  readonly stride: number
}

/** C [m,n] = A [m,k] B [k,n], `batch` times, with f32 accumulation. */
export interface MatmulShape {
  readonly m: number
  readonly n: number
  readonly k: number
  readonly batch: number
  readonly a: MatrixLayout
  readonly b: MatrixLayout
  readonly c: MatrixLayout
  /** Whether f32 operands may be rounded to TF32. */
  readonly tf32: boolean
}

export type Command =
  | {
      readonly kind: 'kernel'
      readonly name: string
      readonly grid: Grid
      readonly block: number
      /** Bytes of shared memory beside what the kernel declares. */
      readonly shared: number
      readonly args: readonly bigint[]
    }
  | { readonly kind: 'matmul'; readonly shape: MatmulShape; readonly a: bigint; readonly b: bigint; readonly c: bigint }
  | { readonly kind: 'copy'; readonly from: bigint; readonly to: bigint; readonly bytes: number }
  | { readonly kind: 'clear'; readonly at: bigint; readonly bytes: number }

/** Commands made ready to run again and again, in order. */
export interface Replay {
  /** Starts them; returns before they are done. */
  start(): void
  /** Milliseconds of each command on its own, in order; the last of `repeats` runs, for tables of costs. */
  times(repeats: number): readonly number[]
  /** Milliseconds of a run when `runs` of them follow each other, by device events; one number for each of the repeats. */
  runTimes(runs: number, repeats: number): readonly number[]
  release(): void
}

/** Seconds spent on what a first run needs. */
export interface PrepareTimes {
  readonly compileS: number
  readonly captureS: number
  /** Kernels compiled now, and found compiled. */
  readonly compiled: number
  readonly cached: number
}

export interface PrepareOptions {
  /** Whether exponentials may be some 2^-21 off. */
  readonly isFast: boolean
  /** For each command the earlier ones that it waits for; all of them, where this is left out. */
  readonly after?: readonly (readonly number[])[]
}

/** A point in the order of the commands. */
export interface Point {
  /** Moves it behind everything that was asked for so far. */
  set(): void
  /** Waits until it is reached, without blocking the event loop; a point that was never set is. */
  finish(): Promise<void>
  /** Waits until it is reached. */
  finishSync(): void
  release(): void
}

/** A machine that is opened when something must be done on it: until then it may get ready beside us. */
export interface ComingMachine {
  sharedBytes(): number
  open(): Machine
}

export interface Machine {
  readonly title: string
  /** Bytes of shared memory that a block may have. */
  readonly sharedBytes: number
  /** Free device memory in bytes. */
  freeBytes(): number
  /** Memory of at least this many bytes, aligned to 256; throws HeddleError `target-failed`. */
  allocate(bytes: number): bigint
  release(address: bigint): void
  /** Copies in the order of the commands. */
  upload(address: bigint, data: ArrayBufferView): void
  /** Waits for everything before, then copies. */
  download(address: bigint, into: ArrayBufferView): void
  clear(address: bigint, bytes: number): void
  /** Lets copies from and to whole pages of host memory wait for nobody, where that is possible; gives the way back. */
  pin(memory: Uint8Array): () => void
  /** Copies in the order of the commands; a point behind that says when `into` has the data. */
  fetch(address: bigint, into: ArrayBufferView): void
  point(): Point
  prepare(
    kernels: readonly Kernel[],
    commands: readonly Command[],
    options: PrepareOptions,
  ): Promise<Replay & { readonly prepared: PrepareTimes }>
  /** Waits for all work, without blocking the event loop. */
  finish(): Promise<void>
  /** Waits for all work. */
  finishSync(): void
}
