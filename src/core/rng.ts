// Seeded random numbers: xoshiro128** seeded through splitmix32 of a string or number key, so that
// `rng(seed, 'trial', 7)` is an independent, reproducible stream. Sources: Blackman & Vigna, arXiv 1805.01407.

import { normalPairs } from './normals.ts'

/** Uniform numbers that become normal ones in one go; even. */
const DRAWN_AT_ONCE = 4096

export interface Rng {
  /** Uniform in [0, 1) with 32 bits. */
  uniform(): number
  /** Uniform integer in [0, n). */
  integer(n: number): number
  /** Standard normal. */
  normal(): number
  /** The next standard normals times a scale, into a whole array. */
  fillNormal(into: Float32Array, scale: number): void
  /** One element, uniformly. */
  pick<T>(items: readonly T[]): T
  /** A shuffled copy (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[]
}

/** The next numbers of a generator, uniform in 32 bits. */
function draw(state: Uint32Array, into: Uint32Array, count: number): void {
  let a = state[0]! | 0,
    b = state[1]! | 0,
    c = state[2]! | 0,
    d = state[3]! | 0
  for (let i = 0; i < count; i++) {
    const r = Math.imul(b, 5)
    into[i] = Math.imul((r << 7) | (r >>> 25), 9)
    const t = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = (d << 11) | (d >>> 21)
  }
  state[0] = a
  state[1] = b
  state[2] = c
  state[3] = d
}

/** An independent stream for each distinct sequence of keys. */
export function rng(...keys: readonly (string | number)[]): Rng {
  let h = 0x9e3779b9
  for (const ch of keys.map(String).join('\u0000')) {
    h = Math.imul(h ^ ch.codePointAt(0)!, 0x85ebca6b)
    h ^= h >>> 13
  }
  const splitmix = (): number => {
    h = (h + 0x9e3779b9) | 0
    let z = h
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
  const state = Uint32Array.of(splitmix(), splitmix(), splitmix(), splitmix())
  const one = new Uint32Array(1)
  const next = (): number => {
    draw(state, one, 1)
    return one[0]!
  }
  let spare: number | undefined
  const self: Rng = {
    uniform: () => next() / 4294967296,
    integer: (n) => {
      if (!(n >= 1)) throw new Error(`integer(${n}): the bound must be at least 1`)
      return Math.floor((((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992) * n)
    },
    normal: () => {
      if (spare !== undefined) {
        const value = spare
        spare = undefined
        return value
      }
      const radius = Math.sqrt(-2 * Math.log(1 - self.uniform()))
      const angle = 2 * Math.PI * self.uniform()
      spare = radius * Math.sin(angle)
      return radius * Math.cos(angle)
    },
    fillNormal: (into, scale) => {
      let i = 0
      if (spare !== undefined && into.length > 0) into[i++] = scale * self.normal()
      const pairsEnd = into.length - ((into.length - i) % 2)
      const drawn = new Uint32Array(Math.min(DRAWN_AT_ONCE, pairsEnd - i))
      while (i < pairsEnd) {
        const end = Math.min(i + drawn.length, pairsEnd)
        draw(state, drawn, end - i)
        normalPairs(drawn, into, i, end, scale)
        i = end
      }
      if (i < into.length) into[i] = scale * self.normal()
    },
    pick: (items) => items[self.integer(items.length)]!,
    shuffle: (items) => {
      const copy = [...items]
      for (let i = copy.length - 1; i > 0; i--) {
        const j = self.integer(i + 1)
        ;[copy[i], copy[j]] = [copy[j]!, copy[i]!]
      }
      return copy
    },
  }
  return self
}
