/** Work that may run side by side, and work that must run alone: latency is measured while nothing else runs. */
export interface Lane {
  /** Runs beside other shared work. */
  shared<T>(work: () => Promise<T>): Promise<T>
  /** Waits until all shared work has ended, runs alone, and lets the next in. */
  exclusive<T>(work: () => Promise<T>): Promise<T>
}

/** A lane in which exclusive work goes first: shared work that comes later waits for it. */
export function openLane(): Lane {
  let sharing = 0
  let isAlone = false
  const waiting: { readonly alone: boolean; enter(): void }[] = []
  const admit = (): void => {
    while (waiting.length > 0) {
      const alone = waiting.find((w) => w.alone)
      const next = alone ?? waiting[0]!
      if (isAlone || (next.alone && sharing > 0)) return
      waiting.splice(waiting.indexOf(next), 1)
      if (next.alone) isAlone = true
      else sharing++
      next.enter()
    }
  }
  const enter = (alone: boolean): Promise<void> =>
    new Promise((resolve) => {
      waiting.push({ alone, enter: resolve })
      admit()
    })
  const through = async <T>(alone: boolean, work: () => Promise<T>): Promise<T> => {
    await enter(alone)
    try {
      return await work()
    } finally {
      if (alone) isAlone = false
      else sharing--
      admit()
    }
  }
  return { shared: (work) => through(false, work), exclusive: (work) => through(true, work) }
}
