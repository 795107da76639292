// What may run at the same time: which earlier steps a step waits for, found from the memory that they touch, and the lanes on
// which a device replays them. A weight's gradient, which nobody waits for until the end, fills the gaps that the chain of the
// other steps leaves.

/** Bytes of device memory, from the first to the one behind the last. */
export interface Range {
  readonly from: number
  readonly to: number
}

export interface Touched {
  readonly reads: readonly Range[]
  readonly writes: readonly Range[]
}

/**
 * For each step the earlier steps that it must wait for, in order, without those that these wait for anyway: who wrote what it
 * reads, and who read or wrote what it writes.
 */
export function dependencies(steps: readonly Touched[]): readonly (readonly number[])[] {
  const ends = [...new Set(steps.flatMap(({ reads, writes }) => [...reads, ...writes].flatMap((r) => [r.from, r.to])))]
  ends.sort((a, b) => a - b)
  const place = new Map(ends.map((end, i) => [end, i]))
  // of every piece of memory between two ends
  const writer = new Int32Array(ends.length).fill(-1)
  const readers = Array.from({ length: ends.length }, (): number[] => [])
  const words = Math.ceil(steps.length / 32)
  const ancestors: Uint32Array[] = []
  return steps.map(({ reads, writes }, step) => {
    const found = new Set<number>()
    const add = (other: number): void => void (other >= 0 && other !== step && found.add(other))
    const pieces = (ranges: readonly Range[], body: (piece: number) => void): void => {
      for (const { from, to } of ranges) for (let p = place.get(from)!; p < place.get(to)!; p++) body(p)
    }
    pieces(reads, (p) => add(writer[p]!))
    pieces(writes, (p) => {
      add(writer[p]!)
      readers[p]!.forEach(add)
    })
    pieces(writes, (p) => {
      writer[p] = step
      readers[p] = []
    })
    pieces(reads, (p) => void (writer[p] !== step && readers[p]!.push(step)))
    const own = new Uint32Array(words)
    const direct: number[] = []
    for (const other of [...found].sort((a, b) => b - a)) {
      if ((own[other >> 5]! >>> (other & 31)) & 1) continue
      direct.push(other)
      own[other >> 5]! |= 1 << (other & 31)
      ancestors[other]!.forEach((word, i) => (own[i]! |= word))
    }
    ancestors.push(own)
    return direct.reverse()
  })
}

/**
 * The lane of each step: that of a step which it waits for, if no other has followed that one yet, else one that is not in the
 * way. The first lane holds the chain of steps that come first in order.
 */
export function lanesOf(after: readonly (readonly number[])[], count: number): readonly number[] {
  const last: number[] = []
  return after.map((before, step) => {
    const following = before.filter((other) => last.includes(other)).map((other) => last.indexOf(other))
    const idle = last.length < count ? last.length : last.indexOf(Math.min(...last))
    const lane = following.length > 0 ? Math.min(...following) : idle
    last[lane] = step
    return lane
  })
}
