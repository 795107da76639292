// What blocks declare while they build, and the context that they see (see BlockContext).

import type { BlockContext, Phase, Projection } from '../blocks/index.ts'
import { DEFAULT_INIT } from '../blocks/init.ts'
import type { Init } from '../blocks/init.ts'
import type { Shape, TensorType, Value } from '../graph/types.ts'
import type { GraphBuilder } from '../ops/builder.ts'

export interface Weight {
  readonly name: string
  readonly shape: Shape
  readonly init: Init
  readonly decay: boolean
  readonly project: Projection | undefined
  /** Index of the block that owns it; undefined for embedding, head, final norm and meta tokens. */
  readonly block: number | undefined
}

/** A recurrent state or cache: input `name`, output `next.name`, zeros before the first token. */
export interface State {
  readonly name: string
  readonly shape: Shape
  readonly block: number
}

/** The sizes that every block of a graph shares. */
export interface Frame {
  readonly phase: Phase
  readonly dModel: number
  readonly batchSize: number
  /** Tokens in the graph, meta tokens included. */
  readonly length: number
  /** Tokens that a cache must hold, meta tokens included. */
  readonly capacity: number
  readonly metaTokens: number
  readonly blockCount: number
  /** Rotary tables become inputs: for counting, where their contents do not matter. */
  readonly shapesOnly: boolean
}

/** Collects weights and states of a graph under construction. */
export class Declarations {
  readonly weights: Weight[] = []
  readonly states: State[] = []
  readonly frame: Frame
  readonly position: Value
  /** Values that blocks leave for later blocks. */
  readonly shared = new Map<string, Value>()
  readonly #g: GraphBuilder
  readonly #names = new Set<string>()
  readonly #next = new Map<string, Value>()

  constructor(g: GraphBuilder, frame: Frame) {
    this.#g = g
    this.frame = frame
    this.position = frame.phase === 'decode' ? g.input('position', { dtype: 'i32', shape: [] }) : g.scalar(0, 'i32')
  }

  weight(name: string, shape: Shape, init: Init, extra: Partial<Weight> = {}): Value {
    if (this.#names.has(name)) throw new Error(`weight ${name} is declared twice`)
    this.#names.add(name)
    this.weights.push({ name, shape, init, decay: shape.length >= 2, project: undefined, block: undefined, ...extra })
    return this.#g.input(name, { dtype: 'f32', shape })
  }

  /** Adds an output `next.<state>` for every state. */
  outputStates(): void {
    for (const { name } of this.states) this.#g.output(`next.${name}`, this.#next.get(name)!)
  }

  /** The context of block `index`, whose names get the prefix. */
  context(index: number, prefix: string): BlockContext {
    const g = this.#g
    const { phase, dModel, batchSize, length, capacity, metaTokens, blockCount } = this.frame
    const self: BlockContext = {
      g,
      phase,
      dModel,
      batch: batchSize,
      length,
      capacity,
      metaTokens,
      position: this.position,
      index,
      count: blockCount,
      shared: this.shared,
      weight: (name, shape, { init = DEFAULT_INIT, project, decay } = {}) =>
        this.weight(`${prefix}mixer.${name}`, shape, init, {
          block: index,
          project,
          ...(decay !== undefined && { decay }),
        }),
      linear: (x, name, width, options) => g.linear(x, self.weight(name, [width, x.type.shape.at(-1)!], options)),
      linearParts: (x, name, widths, options) => {
        const height = widths.reduce((a, b) => a + b, 0)
        return g.linearParts(x, self.weight(name, [height, x.type.shape.at(-1)!], options), widths)
      },
      state: (name, shape) => {
        const full = [batchSize, ...shape]
        if (phase === 'train') return g.zeros(full)
        this.states.push({ name: prefix + name, shape: full, block: index })
        return phase === 'decode' ? g.input(prefix + name, { dtype: 'f32', shape: full }) : g.zeros(full)
      },
      setState: (name, value) => {
        if (phase !== 'train') this.#next.set(prefix + name, value)
      },
      rotary: (width, theta) => ({ cos: this.#rotary('cos', width, theta), sin: this.#rotary('sin', width, theta) }),
    }
    return self
  }

  #rotary(name: 'cos' | 'sin', width: number, theta: number): Value {
    const g = this.#g
    const { phase, capacity, length, shapesOnly } = this.frame
    const rows = phase === 'decode' ? capacity : length
    const half = width / 2
    const whole = g.shared(`rotary ${name} ${rows} ${width} ${theta}`, () => {
      const type: TensorType = { dtype: 'f32', shape: [rows, half] }
      if (shapesOnly) return g.input(`rotary ${name} ${width} ${theta}`, type)
      const data = new Float32Array(rows * half)
      for (let p = 0; p < rows; p++)
        for (let i = 0; i < half; i++) data[p * half + i] = Math[name](p * theta ** ((-2 * i) / width))
      return g.constant(type.shape, data)
    })
    return phase === 'decode' ? g.gather(whole, g.reshape(this.position, [1])) : whole
  }
}
