/** Passes values on, at most one per interval; of those that come in between, the last is kept and follows later. */
export interface Coalescer<T> {
  push(value: T): void
  /** Sends what is kept back at once. */
  flush(): void
}

/** Limits a stream of values to one per `intervalMs`; the first passes at once. */
export function coalesce<T>(send: (value: T) => void, intervalMs: number): Coalescer<T> {
  let lastSent = Number.NEGATIVE_INFINITY
  let kept: { readonly value: T } | undefined
  let timer: NodeJS.Timeout | undefined
  const flush = (): void => {
    clearTimeout(timer)
    timer = undefined
    if (!kept) return
    const { value } = kept
    kept = undefined
    lastSent = performance.now()
    send(value)
  }
  return {
    push(value) {
      kept = { value }
      const wait = lastSent + intervalMs - performance.now()
      // work that never lets a timer fire still gets its values through
      if (wait <= 0) flush()
      else timer ??= setTimeout(flush, wait)
    },
    flush,
  }
}
