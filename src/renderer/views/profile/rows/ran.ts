// How a measured stack ran, as its row says: fused or decomposed, and on which execution providers. Pure.

/** What of a measurement says how it ran; `details` may come from another program. */
export interface RanRow {
  readonly status: Readonly<Record<string, string>>
  readonly details: Readonly<Record<string, unknown>>
}

export type RanHow = 'fused' | 'decomposed' | 'partly fused' | 'not traced'

export interface RanBlock {
  readonly kind: string
  readonly path: string
  readonly fused: readonly string[]
  readonly decomposed: readonly string[]
  readonly providers: readonly string[]
  readonly kernelMs: number
}

export interface Ran {
  readonly how: RanHow
  /** Execution providers without the ending that all of them share. */
  readonly providers: readonly string[]
  readonly blocks: readonly RanBlock[]
  /** Time of embedding, norms, residual additions and head in the traced runs, ms; NaN where it was not traced. */
  readonly outsideMs: number
  /** Time of a traced run that no kernel accounts for, ms. */
  readonly unattributedMs: number
}

type Json = Readonly<Record<string, unknown>>
const record = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {})
const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []
const number = (value: unknown): number => (typeof value === 'number' ? value : NaN)
const providersOf = (value: unknown): string[] => [
  ...new Set(Object.keys(record(value)).map((name) => name.replace(/ExecutionProvider$/, ''))),
]

/** Reads what a measurement says of how it ran; what it does not say is empty. */
export function ranOf({ status, details }: RanRow): Ran {
  const placement = record(details['placement'])
  const listed = placement['blocks']
  const blocks = (Array.isArray(listed) ? listed : []).map((one): RanBlock => {
    const block = record(one)
    return {
      kind: String(block['kind'] ?? ''),
      path: String(block['path'] ?? ''),
      fused: texts(block['fused']),
      decomposed: texts(block['decomposed']),
      providers: providersOf(block['providers']),
      kernelMs: number(block['kernelMs']),
    }
  })
  return {
    how: howOf(Object.values(status)),
    providers: providersOf(placement['providers']),
    blocks,
    outsideMs: number(placement['outsideKernelMs']),
    unattributedMs: number(placement['unattributedMs']),
  }
}

function howOf(states: readonly string[]): RanHow {
  if (states.length === 0) return 'not traced'
  if (states.every((one) => one === 'fused')) return 'fused'
  return states.every((one) => one === 'decomposed') ? 'decomposed' : 'partly fused'
}

/** `fused attention, decomposed rope`. */
export const ranText = ({ fused, decomposed }: Pick<RanBlock, 'fused' | 'decomposed'>): string =>
  [fused.length > 0 && `fused ${fused.join(', ')}`, decomposed.length > 0 && `decomposed ${decomposed.join(', ')}`]
    .filter(Boolean)
    .join('; ') || 'no fused ops'

/** Rows are alike where this is equal: the same ops of every block ran fused, on the same providers. */
export const ranKey = (row: RanRow): string =>
  JSON.stringify([[...new Set(Object.values(row.status))].sort(), ranOf(row).providers])
