// The fastest algorithm of each product: measured once for a device and a library, then read from disk.

import { hash } from 'node:crypto'
import type { Algorithm, CublasLt, PreparedMatmul } from './cublaslt.ts'
import { cudaCacheFolder, keep, readKept } from './disk-cache.ts'
import type { MatmulShape } from './machine.ts'

/** Algorithms that are timed for each product. */
const CANDIDATES = 8
/** What is in a file; another form is another key. */
const FORMAT = 'product 1'

export interface Choice {
  readonly product: PreparedMatmul
  readonly algorithm: Algorithm
}

export class ProductChoices {
  readonly #lt: CublasLt
  readonly #device: string
  readonly #folder: string
  readonly #known = new Map<string, Choice>()

  /** @param device its name and compute capability */
  constructor(lt: CublasLt, device: string, folder = cudaCacheFolder()) {
    this.#lt = lt
    this.#device = device
    this.#folder = folder
  }

  /**
   * The algorithm of a product.
   * @param time milliseconds that one takes on the memory of the product
   */
  of(shape: MatmulShape, time: (choice: Choice) => number): Choice {
    const key = productKey(shape, this.#device, this.#lt.version)
    let choice = this.#known.get(key)
    if (choice === undefined) {
      const product = this.#lt.prepare(shape)
      choice = this.#kept(key, product) ?? this.#measured(key, product, time)
      this.#known.set(key, choice)
    }
    return choice
  }

  /** What an earlier process found, if it is whole and the library takes it for this product. */
  #kept(key: string, product: PreparedMatmul): Choice | undefined {
    const text = readKept(this.#folder, `${key}.product`)?.toString('latin1') ?? ''
    const [, hex, sum] = /^([0-9a-f]{128}) ([0-9a-f]{64})$/.exec(text) ?? []
    if (hex === undefined || sum !== sumOf(key, hex)) return undefined
    const algorithm = product.check(Buffer.from(hex, 'hex'))
    return algorithm === undefined ? undefined : { product, algorithm }
  }

  #measured(key: string, product: PreparedMatmul, time: (choice: Choice) => number): Choice {
    const candidates = product.propose(CANDIDATES).map((algorithm) => ({ product, algorithm }))
    const times = candidates.map(time)
    const best = candidates[times.indexOf(Math.min(...times))]!
    const hex = best.algorithm.bytes.toString('hex')
    keep(this.#folder, `${key}.product`, `${hex} ${sumOf(key, hex)}`)
    return best
  }
}

/** Changes with everything on which the fastest algorithm depends: the product, the device and the library. */
export const productKey = (shape: MatmulShape, device: string, libraryVersion: number): string =>
  hash('sha256', [FORMAT, device, libraryVersion, JSON.stringify(shape)].join('\n'))

/** Says that a file is whole and belongs to its key. */
const sumOf = (key: string, hex: string): string => hash('sha256', `${key} ${hex}`)
