// First values of weights, drawn by threads beside this one, which plans the program meanwhile.

import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { MessageChannel, Worker } from 'node:worker_threads'
import { initOf } from '#core/blocks/init.ts'
import type { InitRecipe } from '#core/blocks/init.ts'
import { sizeOf } from '#core/graph/types.ts'
import type { Weight } from '#core/model/declarations.ts'
import { drawn } from '#core/optim/first-values.ts'
import type { FirstValues } from '#core/optim/first-values.ts'
import type { Initial } from '../targets/target.ts'
import type { Done, Task, Work } from './worker.ts'

/** Normal numbers from which threads pay: to start them takes as long as to draw so many. */
const MIN_WORK = 1 << 22
/** More threads than this take longer to start than they save. */
const MAX_THREADS = 8

/** Starts a thread that runs `worker.ts`. */
const startWorker = (): Worker => new Worker(new URL(`./worker${extname(import.meta.filename)}`, import.meta.url))

/** Threads that stay for the next model; an idle one holds no process. */
export class DrawingThreads {
  readonly #workers: Worker[] = []
  readonly #count: number
  readonly #start: () => Worker

  constructor(count = Math.min(availableParallelism() - 1, MAX_THREADS), start = startWorker) {
    this.#count = count
    this.#start = start
  }

  /** As many as there are; none where none can be started. */
  get(): readonly Worker[] {
    try {
      while (this.#workers.length < this.#count) {
        const worker = this.#start()
        const forget = (): void => {
          const at = this.#workers.indexOf(worker)
          if (at >= 0) this.#workers.splice(at, 1)
        }
        // what it had not drawn is drawn here, where an error is heard
        worker.on('error', forget).on('exit', forget).unref()
        this.#workers.push(worker)
      }
    } catch {
      // those that did start, if any
    }
    return [...this.#workers]
  }
}

const ours = new DrawingThreads()

/** First values by name: those that take long are on their way, the others there. */
export function drawWeights(
  weights: readonly Weight[],
  valuesOf: (weight: Weight) => FirstValues,
  threads = ours,
): Initial {
  const tasks = weights
    .flatMap((weight) => (weight.init.recipe ? [{ values: valuesOf(weight), recipe: weight.init.recipe }] : []))
    .sort((a, b) => workOf(b) - workOf(a))
  const isMuch = tasks.reduce((sum, task) => sum + workOf(task), 0) >= MIN_WORK
  const workers = isMuch ? threads.get() : []
  const beside = workers.length === 0 ? new Map<string, Promise<Float32Array>>() : drawnBeside(tasks, workers)
  return new Map(
    weights.map((weight) => [weight.name, beside.get(weight.name) ?? drawn(valuesOf(weight), weight.init)]),
  )
}

/** What a weight costs, in normal numbers. */
function workOf({ values: { shape }, recipe }: { values: FirstValues; recipe: InitRecipe }): number {
  return sizeOf(shape) * (recipe.kind === 'orthogonal' ? Math.min(...shape) : 1)
}

function drawnBeside(tasks: readonly Task[], workers: readonly Worker[]): Map<string, Promise<Float32Array>> {
  const next = new Int32Array(new SharedArrayBuffer(4))
  const arrivals = tasks.map(() => Promise.withResolvers<Float32Array>())
  const missing = new Set(tasks.keys())
  let running = workers.length
  for (const worker of workers) {
    const { port1, port2 } = new MessageChannel()
    port1.on('message', ({ index, data }: Done) => {
      missing.delete(index)
      arrivals[index]!.resolve(data)
    })
    port1.on('close', () => {
      if (--running > 0) return
      // threads that could not start, or ended, have left these
      for (const index of missing) {
        const { values, recipe } = tasks[index]!
        arrivals[index]!.resolve(new Promise((resolve) => resolve(drawn(values, initOf(recipe)))))
      }
    })
    worker.postMessage({ tasks, next, port: port2 } satisfies Work, [port2])
  }
  // an error is heard by who awaits the values, if anybody still does
  for (const { promise } of arrivals) promise.catch(() => undefined)
  return new Map(tasks.map(({ values }, i) => [values.name, arrivals[i]!.promise]))
}
