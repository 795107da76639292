/** The last lines of a stream of output, bounded in number and length. */
export interface OutputTail {
  write(chunk: Buffer): void
  /** Adds a line of our own. */
  note(line: string): void
  lines(): readonly string[]
}

const LINE_LIMIT = 20
const LENGTH_LIMIT = 400

/** An empty tail that keeps the last 20 lines, each cut at 400 characters. */
export function outputTail(): OutputTail {
  const kept: string[] = []
  const decoder = new TextDecoder()
  let unfinished = ''
  const keep = (line: string): void => {
    const text = line.trimEnd().slice(0, LENGTH_LIMIT)
    if (text === '') return
    kept.push(text)
    if (kept.length > LINE_LIMIT) kept.shift()
  }
  return {
    write(chunk) {
      // of a flood only the end counts
      const end = chunk.subarray(Math.max(0, chunk.length - LINE_LIMIT * LENGTH_LIMIT))
      const lines = (unfinished + decoder.decode(end, { stream: true })).split('\n')
      unfinished = lines.pop()!.slice(0, LENGTH_LIMIT)
      lines.forEach(keep)
    },
    note: keep,
    lines: () => (unfinished.trim() === '' ? [...kept] : [...kept, unfinished].slice(-LINE_LIMIT)),
  }
}
