// Program -> what would run and the memory that it takes, without a device.

import type { Program } from '#core/graph/program.ts'
import type { Graph, Node } from '#core/graph/types.ts'
import { inputsOf } from '#core/graph/types.ts'
import { optimise } from '#core/passes/pipeline.ts'
import { bufferBytes, keptOnce } from './schedule/memory.ts'
import { precisionOf } from './schedule/precision.ts'
import type { Compute } from './schedule/precision.ts'
import { cheapAgain } from './schedule/rewrites/cheap-again.ts'
import { columnSums } from './schedule/rewrites/column-sums.ts'
import { evenBatches } from './schedule/rewrites/even-batches.ts'
import { recompute } from './schedule/rewrites/recompute.ts'
import { wholeProducts } from './schedule/rewrites/whole-products.ts'
import { schedule } from './schedule/schedule.ts'
import type { Schedule } from './schedule/schedule.ts'

export interface CudaOptions {
  readonly compute: Compute
  readonly claims: (node: Node) => boolean
}

export interface PlanOptions extends CudaOptions {
  /** Bytes of shared memory that a block may have; asked for when the passes are done. */
  sharedBytes(): number
  readonly decomposeAll: boolean
  /** Inputs that are state beside the bound and frozen ones. */
  isState(name: string): boolean
  /** Whether there is memory for a schedule; a training step that has none computes forward values twice. */
  fits(plan: Schedule): boolean
  readonly onPass?: ((pass: string, graph: Graph) => void) | undefined
}

export interface Planned {
  readonly graph: Graph
  readonly plan: Schedule
  readonly passesS: number
}

/** Elements of a buffer, and blocks along y and z, that kernels can count. */
const MAX_ELEMENTS = 2 ** 31
const MAX_GRID = 65535

/** Steps for which memory rests in a training step, which runs its weights' gradients beside everything else. */
const REST = 8

export function planProgram(program: Program, options: PlanOptions): Planned {
  const { compute, claims, decomposeAll, onPass } = options
  const started = performance.now()
  const optimised = optimise(program.graph, { claims: decomposeAll ? () => false : claims, trace: onPass })
  const isTraining = program.phase === 'train'
  const { isExact } = precisionOf(compute, optimised.nodes)
  const whole = columnSums(wholeProducts(optimised, isExact, compute === 'bf16' && isTraining))
  onPass?.('whole-products', whole)
  const even = evenBatches(whole, isExact)
  onPass?.('even-batches', even)
  const cheap = cheapAgain(even, precisionOf(compute, even.nodes).isExact)
  onPass?.('cheap-again', cheap)
  const passesS = (performance.now() - started) / 1000
  const extraState = new Set([...inputsOf(cheap).keys()].filter((name) => options.isState(name)))
  const sharedBytes = options.sharedBytes()
  const planned = (graph: Graph, rest?: number): Planned => ({
    graph,
    plan: schedule(program, graph, { compute, extraState, sharedBytes, ...(rest && { rest }) }),
    passesS,
  })
  if (!isTraining) return planned(cheap)
  const found = firstThatFits(
    [() => planned(cheap, REST), () => planned(cheap), () => planned(recompute(cheap))],
    (plan) => options.fits(plan),
  )
  if (found.graph !== cheap) onPass?.('recompute', found.graph)
  return found
}

/** The first plan that fits, each tried for less memory than the one before; else the smallest. */
function firstThatFits(candidates: readonly (() => Planned)[], fits: (plan: Schedule) => boolean): Planned {
  const tried: Planned[] = []
  for (const candidate of candidates) {
    const found = candidate()
    if (fits(found.plan)) return found
    tried.push(found)
  }
  return tried.reduce((a, b) => (b.plan.memory.arenaBytes < a.plan.memory.arenaBytes ? b : a))
}

/** Device memory that a schedule takes beside state that is there already. */
export function neededBytes({ steps, buffers, memory }: Schedule, isThere: (state: string) => boolean): number {
  const once = keptOnce(steps)
  const missing = buffers.filter((buffer) =>
    buffer.home === 'arena' ? once.has(buffer) : !(buffer.home === 'state' && isThere(buffer.name)),
  )
  return memory.arenaBytes + missing.reduce((sum, buffer) => sum + bufferBytes(buffer), 0)
}

/** What of a schedule no device can run, whatever its memory; undefined where there is nothing. */
export function launchLimit({ steps }: Schedule): string | undefined {
  for (const { action, reads, writes, label, scope } of steps) {
    if (action.kind !== 'kernel' && action.kind !== 'table') continue
    const { grid, countsWide = false } = action.launch
    const long = countsWide ? undefined : [...reads, ...writes].find(({ size }) => size > MAX_ELEMENTS)
    if (long !== undefined)
      return `${long.name} has ${long.size} elements, of which the kernel of ${label} in ${scope} counts ${MAX_ELEMENTS} at most`
    if (Math.max(grid[1], grid[2] ?? 1) > MAX_GRID)
      return `the kernel of ${label} in ${scope} wants ${grid.join(' x ')} blocks; along the second and third axis ${MAX_GRID} are the most`
  }
  return undefined
}
