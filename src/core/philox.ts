// Philox4x32-10: random words as a function of a counter and a key, so that every element of a tensor has its own without
// any state. Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

/** Multipliers of words 0 and 2, what is added to the key in each round, and the number of rounds. */
export const PHILOX = {
  multipliers: [0xd2511f53, 0xcd9e8d57],
  weyl: [0x9e3779b9, 0xbb67ae85],
  rounds: 10,
} as const

export type Words4 = readonly [number, number, number, number]

/** The upper and lower 32 bits of a product of two 32-bit words. */
function product(a: number, b: number): readonly [number, number] {
  const low = (a & 0xffff) * b
  const high = (a >>> 16) * b + Math.floor(low / 65536)
  return [Math.floor(high / 65536) >>> 0, Math.imul(a, b) >>> 0]
}

/** Four random words; all words are unsigned. */
export function philox4x32(counter: Words4, key: readonly [number, number]): Words4 {
  let [a, b, c, d] = counter
  let [k, l] = key
  for (let round = 0; round < PHILOX.rounds; round++) {
    const [upper, lower] = product(PHILOX.multipliers[0], a)
    const [upper2, lower2] = product(PHILOX.multipliers[1], c)
    ;[a, b, c, d] = [(upper2 ^ b ^ k) >>> 0, lower2, (upper ^ d ^ l) >>> 0, lower]
    k = (k + PHILOX.weyl[0]) >>> 0
    l = (l + PHILOX.weyl[1]) >>> 0
  }
  return [a, b, c, d]
}
