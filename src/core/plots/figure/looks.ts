/** Short names for looks that many marks share: a, b, ... z, ba, bb, ... */
export interface Looks {
  readonly nameOf: (look: string) => string
  /** Names with their looks, in order of first use. */
  readonly entries: () => readonly (readonly [name: string, look: string])[]
}

/** A list of looks, each kept once. */
export function makeLooks(): Looks {
  const names = new Map<string, string>()
  return {
    nameOf(look) {
      const known = names.get(look)
      if (known !== undefined) return known
      let name = ''
      for (let n = names.size; name === '' || n > 0; n = Math.floor(n / 26))
        name = String.fromCharCode(97 + (n % 26)) + name
      names.set(look, name)
      return name
    },
    entries: () => [...names].map(([look, name]) => [name, look]),
  }
}
