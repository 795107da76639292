// Numbers for people: with units, at a readable precision.

/** 1.24 M, 837.3 M, 2.75 B. */
export function large(n: number): string {
  for (const [limit, unit] of [
    [1e12, 'T'],
    [1e9, 'B'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const)
    if (Math.abs(n) >= limit) return `${(n / limit).toPrecision(4)} ${unit}`
  return String(Math.round(n * 100) / 100)
}

/** 1.5 KiB, 12 MiB. */
export function bytes(n: number): string {
  for (const [limit, unit] of [
    [2 ** 40, 'TiB'],
    [2 ** 30, 'GiB'],
    [2 ** 20, 'MiB'],
    [2 ** 10, 'KiB'],
  ] as const)
    if (n >= limit) return `${(n / limit).toPrecision(3)} ${unit}`
  return `${n} B`
}

/** 1.234 ms. */
export const ms = (x: number): string => `${x >= 100 ? x.toFixed(0) : x.toPrecision(3)} ms`

/** `1.23 ms [1.20, 1.27]`: a median with its 95 % interval. */
export const msInterval = ({ p50Ms, lowMs, highMs }: { p50Ms: number; lowMs: number; highMs: number }): string =>
  `${ms(p50Ms)} [${lowMs.toPrecision(3)}, ${highMs.toPrecision(3)}]`
