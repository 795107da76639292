import type { Graph } from './types.ts'

/** Output `output` of one run is input `input` of the next. */
export interface StateBinding {
  readonly output: string
  readonly input: string
}

/**
 * A graph with its state: what a target opens. Inputs are either bound state, frozen (given once, when the program is opened)
 * or fed at every run. Outputs that are not bound state may be read after a run.
 */
export interface Program {
  readonly name: string
  readonly phase: 'train' | 'prefill' | 'decode'
  readonly graph: Graph
  readonly bindings: readonly StateBinding[]
  /** Inputs that never change while the program is open. */
  readonly frozen: readonly string[]
}
