// A curve that grows: numbers over ascending x, kept whole, with the least and greatest of each block of 32 and of each
// block of blocks. A range's extremes are found without reading the range, so a view of a million points costs as much
// as one of a thousand, and a new point costs one comparison a level.

const BLOCK = 32

export class Series {
  #length = 0
  #x = new Float64Array(BLOCK)
  #y = new Float64Array(BLOCK)
  /** Indices of the least and the greatest of each block, in turn, for each level; -1 where no value is finite. */
  #levels: Int32Array[] = []

  get length(): number {
    return this.#length
  }

  x(index: number): number {
    return this.#x[index]!
  }

  y(index: number): number {
    return this.#y[index]!
  }

  /** Adds a point whose x is not below the last one. */
  append(x: number, y: number): void {
    const index = this.#length++
    if (index === this.#x.length) {
      this.#x = grown(this.#x)
      this.#y = grown(this.#y)
    }
    this.#x[index] = x
    this.#y[index] = y
    let block = index
    for (let level = 0; level === 0 || block > 0; level++) {
      block = Math.floor(block / BLOCK)
      const extremes = this.#level(level, block)
      if (!Number.isFinite(y)) continue
      const least = extremes[2 * block]!,
        greatest = extremes[2 * block + 1]!
      if (least < 0 || y < this.#y[least]!) extremes[2 * block] = index
      if (greatest < 0 || y > this.#y[greatest]!) extremes[2 * block + 1] = index
    }
  }

  #level(level: number, block: number): Int32Array {
    let extremes = this.#levels[level]
    if (extremes === undefined) {
      extremes = new Int32Array(2 * BLOCK).fill(-1)
      // a level that starts late begins with what the level below knows of its first block
      if (level > 0) this.#inherit(extremes, this.#levels[level - 1]!)
      this.#levels[level] = extremes
    } else if (2 * block >= extremes.length) {
      const wider = new Int32Array(2 * extremes.length).fill(-1)
      wider.set(extremes)
      this.#levels[level] = extremes = wider
    }
    return extremes
  }

  #inherit(extremes: Int32Array, below: Int32Array): void {
    for (let i = 0; i < Math.min(BLOCK, below.length / 2); i++) {
      const least = below[2 * i]!,
        greatest = below[2 * i + 1]!
      if (least < 0) continue
      if (extremes[0]! < 0 || this.#y[least]! < this.#y[extremes[0]!]!) extremes[0] = least
      if (extremes[1]! < 0 || this.#y[greatest]! > this.#y[extremes[1]!]!) extremes[1] = greatest
    }
  }

  /** Index of the first point whose x is at least a value; the length where there is none. */
  firstFrom(x: number): number {
    let low = 0,
      high = this.#length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#x[middle]! < x) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Index of the point whose x is nearest, or -1 for an empty series. */
  nearest(x: number): number {
    const after = this.firstFrom(x)
    if (after === 0) return this.#length > 0 ? 0 : -1
    if (after === this.#length) return after - 1
    return x - this.#x[after - 1]! <= this.#x[after]! - x ? after - 1 : after
  }

  /** Indices of the least and the greatest finite value from `from` to before `to`; -1 where there is none. */
  extremes(from: number, to: number): { readonly least: number; readonly greatest: number } {
    const found = { least: -1, greatest: -1 }
    this.#search(from, Math.min(to, this.#length), -1, found)
    return found
  }

  /** Looks at blocks of a level (-1: the points) from `from` to before `to`, by the level above where it covers whole blocks. */
  #search(from: number, to: number, level: number, found: { least: number; greatest: number }): void {
    const first = Math.ceil(from / BLOCK),
      last = Math.floor(to / BLOCK)
    if (first >= last || this.#levels[level + 1] === undefined) return this.#scan(from, to, level, found)
    this.#scan(from, first * BLOCK, level, found)
    this.#search(first, last, level + 1, found)
    this.#scan(last * BLOCK, to, level, found)
  }

  #scan(from: number, to: number, level: number, found: { least: number; greatest: number }): void {
    const extremes = this.#levels[level]
    for (let i = from; i < to; i++) {
      const least = extremes === undefined ? i : extremes[2 * i]!,
        greatest = extremes === undefined ? i : extremes[2 * i + 1]!
      if (least < 0 || !Number.isFinite(this.#y[least]!)) continue
      if (found.least < 0 || this.#y[least]! < this.#y[found.least]!) found.least = least
      if (found.greatest < 0 || this.#y[greatest]! > this.#y[found.greatest]!) found.greatest = greatest
    }
  }
}

function grown(values: Float64Array): Float64Array<ArrayBuffer> {
  const wider = new Float64Array(2 * values.length)
  wider.set(values)
  return wider
}

/**
 * Exponential moving average without the pull of its start: weighted means of all finite values so far, the weight of
 * each falling by `smoothing` a step. Values that are not finite keep the last average.
 */
export class MovingAverage {
  readonly #smoothing: number
  #sum = 0
  #weight = 0

  /** @param smoothing from 0 (none) to below 1 */
  constructor(smoothing: number) {
    this.#smoothing = Math.min(0.9999, Math.max(0, smoothing))
  }

  /** The average with one more value; NaN before the first finite one. */
  next(value: number): number {
    if (Number.isFinite(value)) {
      this.#sum = this.#smoothing * this.#sum + (1 - this.#smoothing) * value
      this.#weight = this.#smoothing * this.#weight + (1 - this.#smoothing)
    }
    return this.#weight > 0 ? this.#sum / this.#weight : NaN
  }
}
