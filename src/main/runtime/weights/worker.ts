// A thread that draws first values: takes one weight after the other off a list that it shares with other threads.

import { parentPort } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { initOf } from '#core/blocks/init.ts'
import type { InitRecipe } from '#core/blocks/init.ts'
import { drawn } from '#core/optim/first-values.ts'
import type { FirstValues } from '#core/optim/first-values.ts'

export interface Task {
  readonly values: FirstValues
  readonly recipe: InitRecipe
}

export interface Work {
  readonly tasks: readonly Task[]
  /** The next task that nobody has taken, in shared memory. */
  readonly next: Int32Array
  /** Where the values go; closed when there is no task left. */
  readonly port: MessagePort
}

export interface Done {
  readonly index: number
  readonly data: Float32Array<ArrayBuffer>
}

parentPort!.on('message', ({ tasks, next, port }: Work) => {
  for (let index; (index = Atomics.add(next, 0, 1)) < tasks.length;) {
    const { values, recipe } = tasks[index]!
    const data = drawn(values, initOf(recipe)) as Float32Array<ArrayBuffer>
    port.postMessage({ index, data } satisfies Done, [data.buffer])
  }
  port.close()
})
