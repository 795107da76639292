// Counts of neighbouring tokens in a hash table of typed arrays: some twelve bytes a distinct pair, whatever the vocabulary.

export interface PairCounts {
  readonly vocabSize: number
  /** Pairs in all, and distinct ones. */
  readonly total: number
  readonly distinct: number
  add(left: number, right: number): void
  count(left: number, right: number): number
  /** How often a token stood on the left, and before how many distinct ones. */
  contexts(left: number): number
  successors(left: number): number
  /** How often a token stood on the right, and behind how many distinct ones. */
  occurrences(right: number): number
  predecessors(right: number): number
}

export function pairCounts(vocabSize: number): PairCounts {
  let capacity = 2 ** 12
  // an empty place holds -1
  let keys = new Float64Array(capacity).fill(-1)
  let counts = new Uint32Array(capacity)
  let distinct = 0
  let total = 0
  const [contexts, successors, occurrences, predecessors] = Array.from({ length: 4 }, () => new Float64Array(vocabSize))

  const place = (key: number): number => {
    let at = ((Math.imul(key, 0x9e3779b1) ^ Math.imul(key / 2 ** 32, 0x85ebca6b)) >>> 7) % capacity
    while (keys[at] !== key && keys[at] !== -1) at = (at + 1) % capacity
    return at
  }
  const grow = (): void => {
    const [oldKeys, oldCounts] = [keys, counts]
    capacity *= 2
    keys = new Float64Array(capacity).fill(-1)
    counts = new Uint32Array(capacity)
    for (const [i, key] of oldKeys.entries()) {
      if (key === -1) continue
      const at = place(key)
      keys[at] = key
      counts[at] = oldCounts[i]!
    }
  }

  return {
    vocabSize,
    get total() {
      return total
    },
    get distinct() {
      return distinct
    },
    add(left, right) {
      const key = left * vocabSize + right
      let at = place(key)
      if (keys[at] === -1) {
        if (2 * ++distinct > capacity) {
          grow()
          at = place(key)
        }
        keys[at] = key
        successors![left]!++
        predecessors![right]!++
      }
      counts[at]!++
      contexts![left]!++
      occurrences![right]!++
      total++
    },
    count: (left, right) => counts[place(left * vocabSize + right)]!,
    contexts: (left) => contexts![left]!,
    successors: (left) => successors![left]!,
    occurrences: (right) => occurrences![right]!,
    predecessors: (right) => predecessors![right]!,
  }
}
