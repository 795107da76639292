// Fuzzy matching for the palette: the letters of the query in order, best where they start words or stand together. Pure.

export interface FuzzyMatch {
  /** Higher is better. */
  readonly score: number
  /** Places of the matched letters in the text. */
  readonly places: readonly number[]
}

const AT_START = 8
const AT_WORD = 6
const IN_A_ROW = 5
const ALONE = 1

/**
 * Finds the letters of `query` in `text` in order, blanks and case ignored; undefined where they are not all there.
 * The best of all placements, by dynamic programming over O(query x text).
 */
export function fuzzyMatch(query: string, text: string): FuzzyMatch | undefined {
  const letters = [...query.toLowerCase()].filter((letter) => letter.trim() !== '')
  if (letters.length === 0) return { score: 0, places: [] }
  const lower = text.toLowerCase()
  let ends: (FuzzyMatch | undefined)[] = []
  for (const [i, letter] of letters.entries()) {
    const next: (FuzzyMatch | undefined)[] = new Array(text.length)
    let best: FuzzyMatch | undefined
    for (let at = 0; at < lower.length; at++) {
      const before = at === 0 ? undefined : ends[at - 1]
      if (before !== undefined && (best === undefined || before.score > best.score)) best = before
      if (lower[at] !== letter) continue
      const alone = i === 0 ? undefined : best
      if (i > 0 && alone === undefined) continue
      const start = bonus(text, at)
      const apart = (alone?.score ?? 0) + start
      const together = before === undefined ? -Infinity : before.score + Math.max(start, IN_A_ROW)
      const from = together >= apart ? before : alone
      next[at] = { score: Math.max(apart, together), places: [...(from?.places ?? []), at] }
    }
    ends = next
  }
  let winner: FuzzyMatch | undefined
  for (const match of ends)
    if (match !== undefined && (winner === undefined || match.score > winner.score)) winner = match
  if (winner === undefined) return undefined
  // of equal placements the closer together and then the shorter text is the better answer
  const { score, places } = winner
  const spread = places.at(-1)! - places[0]!
  return { score: score - spread / 200 - text.length / 1000, places }
}

function bonus(text: string, at: number): number {
  if (at === 0) return AT_START
  const before = text[at - 1]!
  const here = text[at]!
  const startsWord = /[^\p{L}\p{N}]/u.test(before) || (/\p{Ll}/u.test(before) && /\p{Lu}/u.test(here))
  return startsWord ? AT_WORD : ALONE
}

/** The items that match, best first; equal ones keep their order. An empty query keeps all. */
export function fuzzyFilter<Item>(
  query: string,
  items: readonly Item[],
  textOf: (item: Item) => string,
): { readonly item: Item; readonly places: readonly number[] }[] {
  return items
    .flatMap((item) => {
      const match = fuzzyMatch(query, textOf(item))
      return match === undefined ? [] : [{ item, ...match }]
    })
    .sort((a, b) => (query.trim() === '' ? 0 : b.score - a.score))
    .map(({ item, places }) => ({ item, places }))
}
