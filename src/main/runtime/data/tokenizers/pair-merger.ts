// Byte-pair encoding of one word: the pair of lowest rank is merged first, the leftmost of equals, until none is left.
// A heap of candidates keeps a word of n bytes at n log n, however long it is.

/** A merge: two neighbours become one token; its rank is its place in the list. */
export type Merge = readonly [left: number, right: number, result: number]

// ranks and positions share one number as heap key: 2^26 positions leave ranks up to 2^27 exact
const POSITIONS = 2 ** 26

export type PairMerger = (bytes: Uint8Array) => Uint32Array

/**
 * Makes the function that encodes the bytes of a word.
 * @param byteIds the token of each of the 256 bytes
 * @param merges in order of rank; of two with the same pair the later counts
 */
export function pairMerger(byteIds: ArrayLike<number>, merges: readonly Merge[], vocabSize: number): PairMerger {
  const ranks = new Map<number, number>()
  for (const [rank, [left, right]] of merges.entries()) ranks.set(left * vocabSize + right, rank)
  let ids = new Int32Array(0)
  let next = new Int32Array(0)
  let previous = new Int32Array(0)
  let heap = new Float64Array(0)

  return (bytes) => {
    const length = bytes.length
    if (length >= POSITIONS) throw new RangeError(`a word of ${length} bytes: the limit is ${POSITIONS}`)
    if (length > ids.length) {
      const capacity = Math.max(64, 2 * length)
      ids = new Int32Array(capacity)
      next = new Int32Array(capacity)
      previous = new Int32Array(capacity)
      // each position is pushed once at the start, and each of the fewer merges pushes at most two
      heap = new Float64Array(3 * capacity)
    }
    let size = 0
    const push = (at: number): void => {
      const rank = ranks.get(ids[at]! * vocabSize + ids[next[at]!]!)
      if (rank === undefined) return
      const key = rank * POSITIONS + at
      let hole = size++
      while (hole > 0) {
        const parent = (hole - 1) >> 1
        if (heap[parent]! <= key) break
        heap[hole] = heap[parent]!
        hole = parent
      }
      heap[hole] = key
    }
    const pop = (): number => {
      const top = heap[0]!
      const last = heap[--size]!
      let hole = 0
      for (let child = 1; child < size; child = 2 * hole + 1) {
        if (child + 1 < size && heap[child + 1]! < heap[child]!) child++
        if (heap[child]! >= last) break
        heap[hole] = heap[child]!
        hole = child
      }
      heap[hole] = last
      return top
    }

    for (let i = 0; i < length; i++) {
      ids[i] = byteIds[bytes[i]!]!
      next[i] = i + 1
      previous[i] = i - 1
    }
    for (let i = 0; i + 1 < length; i++) push(i)
    let count = length
    while (size > 0) {
      const key = pop()
      const at = key % POSITIONS
      const rank = (key - at) / POSITIONS
      const right = next[at]!
      // a candidate is stale when one of its two tokens has been merged since
      if (ids[at]! < 0 || right >= length || ranks.get(ids[at]! * vocabSize + ids[right]!) !== rank) continue
      ids[at] = merges[rank]![2]
      ids[right] = -1
      const after = next[right]!
      next[at] = after
      count--
      if (after < length) {
        previous[after] = at
        push(at)
      }
      if (previous[at]! >= 0) push(previous[at]!)
    }
    const result = new Uint32Array(count)
    for (let at = 0, i = 0; at < length; at = next[at]!) result[i++] = ids[at]!
    return result
  }
}
