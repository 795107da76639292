// Times of the benches of screens, with what they should be.

export interface Spread {
  readonly p50: number
  readonly p95: number
  readonly min: number
  readonly max: number
  readonly n: number
}

function spread(list: readonly number[]): Spread {
  const sorted = list.toSorted((a, b) => a - b)
  const at = (share: number): number => Number(sorted[Math.ceil(share * sorted.length) - 1]!.toFixed(2))
  return { p50: at(0.5), p95: at(0.95), min: at(1 / sorted.length), max: at(1), n: sorted.length }
}

export interface Reporter {
  /** Prints times in ms; the aim is for one of their quantiles. */
  report(name: string, list: readonly number[], aim?: { readonly of: 'p50' | 'p95'; readonly ms: number }): void
  tell(name: string, value: unknown): void
  /** Says what missed its aim; prints everything where JSON was asked for. */
  end(): void
}

export function reporter(isJson: boolean): Reporter {
  const results: Record<string, unknown> = {}
  const misses: string[] = []
  const self: Reporter = {
    report(name, list, aim) {
      const own = spread(list)
      const isMet = aim === undefined || own[aim.of] <= aim.ms
      if (!isMet) misses.push(name)
      results[name] = { ...own, unit: 'ms', ...(aim && { aim: `${aim.of} <= ${aim.ms}`, isMet }) }
      if (isJson) return
      const text = `p50 ${own.p50}  p95 ${own.p95}  [${own.min}, ${own.max}] ms, n ${own.n}`
      const verdict =
        aim === undefined ? '' : `; aim ${aim.of} <= ${Number(aim.ms.toFixed(1))}: ${isMet ? 'met' : 'MISSED'}`
      console.log(name.padEnd(34), text, verdict)
    },
    tell(name, value) {
      results[name] = value
      if (!isJson) console.log(name.padEnd(34), typeof value === 'string' ? value : JSON.stringify(value))
    },
    end() {
      self.tell('missed', misses.join(', ') || 'none')
      if (isJson) console.log(JSON.stringify(results))
    },
  }
  return self
}
