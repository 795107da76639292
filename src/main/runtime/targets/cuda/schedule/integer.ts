// Index arithmetic of generated kernels: sums of multiples of variables, quotients and remainders, kept in a normal form so
// that a reshape of a reshape or a transpose of a transpose becomes the index it started from. All values are >= 0.

/** A whole number that is known when a kernel runs: `constant + Σ factor · atom`. */
export interface Index {
  readonly constant: number
  readonly terms: readonly Term[]
  /** Largest value it takes. */
  readonly max: number
}

interface Term {
  readonly factor: number
  readonly atom: Atom
}

type Atom =
  | { readonly kind: 'variable'; readonly key: string; readonly max: number }
  | {
      readonly kind: 'quotient' | 'remainder'
      readonly key: string
      readonly max: number
      readonly of: Index
      readonly by: number
    }

/** Two indices are equal whenever their keys are. */
export const keyOf = (index: Index): string =>
  `${index.constant}${index.terms.map((t) => `+${t.factor}*${t.atom.key}`).join('')}`

export const literal = (constant: number): Index => ({ constant, terms: [], max: constant })

/** A variable of the kernel with values from 0 to size - 1. */
export function variable(name: string, size: number): Index {
  if (size <= 1) return literal(0)
  return { constant: 0, terms: [{ factor: 1, atom: { kind: 'variable', key: name, max: size - 1 } }], max: size - 1 }
}

export function plus(a: Index, b: Index): Index {
  const factors = new Map<string, { factor: number; atom: Atom }>()
  for (const { factor, atom } of [...a.terms, ...b.terms]) {
    const found = factors.get(atom.key)
    factors.set(atom.key, { factor: (found?.factor ?? 0) + factor, atom })
  }
  return normal(a.constant + b.constant, [...factors.values()])
}

export function times(a: Index, factor: number): Index {
  if (factor === 0) return literal(0)
  return normal(
    a.constant * factor,
    a.terms.map((t) => ({ factor: t.factor * factor, atom: t.atom })),
  )
}

/** ⌊a / by⌋. */
export function quotient(a: Index, by: number): Index {
  if (by === 1) return a
  if (a.max < by) return literal(0)
  const { whole, rest } = divide(a, by)
  if (rest.max < by) return whole
  const split = splitLow(rest, by)
  if (split !== undefined) return plus(whole, quotient(split.high, by / split.at))
  const atom = onlyAtom(rest)
  if (atom?.kind === 'quotient') return plus(whole, quotient(atom.of, atom.by * by))
  if (atom?.kind === 'remainder' && atom.by % by === 0)
    return plus(whole, remainder(quotient(atom.of, by), atom.by / by))
  return plus(whole, atomic('quotient', rest, by))
}

/** a mod `by`. */
export function remainder(a: Index, by: number): Index {
  if (by === 1) return literal(0)
  const { rest } = divide(a, by)
  if (rest.max < by) return rest
  const split = splitLow(rest, by)
  if (split !== undefined) return plus(times(remainder(split.high, by / split.at), split.at), split.low)
  const atom = onlyAtom(rest)
  if (atom?.kind === 'remainder' && atom.by % by === 0) return remainder(atom.of, by)
  return atomic('remainder', rest, by)
}

/** The atom of an index that is nothing else. */
function onlyAtom(a: Index): Atom | undefined {
  const [term] = a.terms
  return a.constant === 0 && a.terms.length === 1 && term!.factor === 1 ? term!.atom : undefined
}

/** Splits off the terms that `by` divides. */
function divide(a: Index, by: number): { whole: Index; rest: Index } {
  const whole = normal(
    Math.floor(a.constant / by),
    a.terms.filter((t) => t.factor % by === 0).map((t) => ({ factor: t.factor / by, atom: t.atom })),
  )
  return {
    whole,
    rest: normal(
      a.constant % by,
      a.terms.filter((t) => t.factor % by !== 0),
    ),
  }
}

/** a = high · at + low with low < at and `at` a divisor of `by`: low plays no part in the quotient. */
function splitLow(a: Index, by: number): { high: Index; low: Index; at: number } | undefined {
  for (const at of new Set(a.terms.map((t) => t.factor))) {
    if (at <= 1 || by % at !== 0 || at === by) continue
    const { whole: high, rest: low } = divide(a, at)
    if (low.max < at) return { high, low, at }
  }
  return undefined
}

function atomic(kind: 'quotient' | 'remainder', of: Index, by: number): Index {
  const max = kind === 'quotient' ? Math.floor(of.max / by) : Math.min(by - 1, of.max)
  const key = `(${keyOf(of)})${kind === 'quotient' ? '/' : '%'}${by}`
  return { constant: 0, terms: [{ factor: 1, atom: { kind, key, max, of, by } }], max }
}

/** Sorts terms, drops zeros and puts quotient and remainder of one index together again. */
function normal(constant: number, given: readonly Term[]): Index {
  let terms = given.filter((t) => t.factor !== 0)
  for (let joined = true; joined;) {
    joined = false
    for (const low of terms) {
      if (low.atom.kind !== 'remainder') continue
      const { of, by } = low.atom
      // (x / by) · by f + (x % by) · f = x f, also when the quotient has itself been cut by a remainder
      const partner = terms.find((t) => t !== low && t.factor === low.factor * by && continues(t.atom, of, by))
      if (partner === undefined) continue
      const rest = terms.filter((t) => t !== low && t !== partner)
      const whole = partner.atom.kind === 'remainder' ? remainder(of, by * partner.atom.by) : of
      const sum = plus({ constant, terms: rest, max: 0 }, times(whole, low.factor))
      constant = sum.constant
      terms = [...sum.terms]
      joined = true
      break
    }
  }
  terms.sort((a, b) => b.factor - a.factor || (a.atom.key < b.atom.key ? -1 : 1))
  return { constant, terms, max: terms.reduce((sum, t) => sum + t.factor * t.atom.max, constant) }
}

/** Whether an atom is ⌊of / by⌋ or a remainder of that. */
function continues(atom: Atom, of: Index, by: number): boolean {
  if (atom.kind === 'variable') return false
  const upper = quotient(of, by)
  if (upper.constant !== 0 || upper.terms.length !== 1 || upper.terms[0]!.factor !== 1) return false
  const target = upper.terms[0]!.atom
  if (atom.key === target.key) return true
  return atom.kind === 'remainder' && keyOf(atom.of) === keyOf(upper)
}

/** Names of the variables that an index depends on. */
export function variablesOf(index: Index): readonly string[] {
  return index.terms.flatMap(({ atom }) => (atom.kind === 'variable' ? [atom.key] : variablesOf(atom.of)))
}

/** C text of an index. */
export function indexText(index: Index): string {
  const parts = index.terms.map(({ factor, atom }) =>
    factor === 1 ? atomText(atom) : `${atomText(atom)} * ${factor}u`,
  )
  if (index.constant !== 0 || parts.length === 0) parts.push(`${index.constant}u`)
  return parts.length === 1 ? parts[0]! : `(${parts.join(' + ')})`
}

function atomText(atom: Atom): string {
  if (atom.kind === 'variable') return atom.key
  return `(${indexText(atom.of)} ${atom.kind === 'quotient' ? '/' : '%'} ${atom.by}u)`
}

/** Row-major offset of coordinates. */
export function flatten(coordinates: readonly Index[], shape: readonly number[]): Index {
  let flat = literal(0)
  let stride = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    flat = plus(flat, times(coordinates[i]!, stride))
    stride *= shape[i]!
  }
  return flat
}

/** Coordinates of a row-major offset. */
export function unflatten(flat: Index, shape: readonly number[]): Index[] {
  const coordinates = new Array<Index>(shape.length)
  let stride = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    const size = shape[i]!
    coordinates[i] = size === 1 ? literal(0) : remainder(quotient(flat, stride), size)
    stride *= size
  }
  // the outermost axis needs no remainder
  const first = shape.findIndex((size) => size !== 1)
  if (first >= 0) {
    const inner = shape.slice(first + 1).reduce((a, b) => a * b, 1)
    if (Math.floor(flat.max / inner) < shape[first]!) coordinates[first] = quotient(flat, inner)
  }
  return coordinates
}

/** Stride of each variable, or undefined when the index is not a plain sum of multiples of them. */
export function stridesIn(index: Index, names: readonly string[]): readonly number[] | undefined {
  const strides = new Array<number>(names.length).fill(0)
  for (const { factor, atom } of index.terms) {
    const at = atom.kind === 'variable' ? names.indexOf(atom.key) : -1
    if (at < 0) return undefined
    strides[at] = factor
  }
  return strides
}
