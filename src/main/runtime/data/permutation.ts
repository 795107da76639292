// A seeded permutation of 0 .. size-1 that needs no memory: a Feistel network over the smallest even number of bits that
// holds size, walked along its cycle until it lands inside (Black & Rogaway 2002, "Ciphers with Arbitrary Finite Domains").

import { rng } from '#core/rng.ts'

const ROUNDS = 8

/** The function from place to element; a bijection of [0, size) for every sequence of keys. */
export function permutation(size: number, ...keys: readonly (string | number)[]): (place: number) => number {
  if (!Number.isSafeInteger(size) || size < 1 || size > 2 ** 50)
    throw new RangeError(`a permutation of ${size} elements`)
  const half = Math.max(1, Math.ceil(Math.ceil(Math.log2(size)) / 2))
  const base = 2 ** half
  const mask = base - 1
  const draw = rng('permutation', ...keys)
  const roundKeys = Array.from({ length: ROUNDS }, () => draw.integer(2 ** 32))
  const encipher = (value: number): number => {
    let right = value % base
    let left = (value - right) / base
    for (const key of roundKeys) {
      const mixed = (left ^ (scramble(right ^ key) & mask)) >>> 0
      left = right
      right = mixed
    }
    return left * base + right
  }
  return (place) => {
    if (!Number.isSafeInteger(place) || place < 0 || place >= size) throw new RangeError(`place ${place} of ${size}`)
    let value = encipher(place)
    while (value >= size) value = encipher(value)
    return value
  }
}

/** Mixes 32 bits so that each depends on all (the finaliser of MurmurHash3). */
function scramble(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
