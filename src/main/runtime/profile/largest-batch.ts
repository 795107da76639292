// The largest batch whose plan fits a memory: plans are made, nothing is run.

/** Sequences beyond which nobody looks. */
export const MAX_BATCH = 65536

/**
 * The largest batch that takes at most `freeBytes`, or 0 where one sequence does not fit. Memory grows nearly in proportion,
 * so each guess follows the line through what is known; larger batches are taken to need more.
 * @param bytesOf bytes that a batch takes; infinite where it cannot run at all
 */
export function largestBatch(bytesOf: (batch: number) => number, freeBytes: number, most = MAX_BATCH): number {
  const one = bytesOf(1)
  if (one > freeBytes) return 0
  let low = { batch: 1, bytes: one }
  let high = most + 1
  let slope: number | undefined
  for (let turn = 0; high - low.batch > 1; turn++) {
    const middle = Math.floor((low.batch + Math.min(high, 4 * low.batch)) / 2)
    const byLine = slope === undefined ? low.batch + 1 : low.batch + Math.floor((freeBytes - low.bytes) / slope)
    // the line is not followed to a batch that is known not to fit, and every third guess halves what is left
    const isLost = turn % 3 === 2 || (byLine >= high && high <= most)
    const batch = Math.min(Math.max(isLost ? middle : byLine, low.batch + 1), high - 1)
    const bytes = bytesOf(batch)
    if (Number.isFinite(bytes)) slope = Math.max((bytes - one) / (batch - 1), 1)
    if (bytes <= freeBytes) low = { batch, bytes }
    else high = batch
  }
  return low.batch
}
