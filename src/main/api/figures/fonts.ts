// The fonts of figures: static Inter and JetBrains Mono, each a file per script; a text is split where the script changes.

import { createRequire } from 'node:module'

export type Face = 'regular' | 'semibold' | 'mono'

/** A piece of a text that one font file can set. */
export interface Run {
  readonly text: string
  /** Path of the font file. */
  readonly file: string
}

const resolveFrom = createRequire(import.meta.url)

/** Characters of each file, by the unicode-range of its package, in the order in which they are tried. */
const SUBSETS: readonly { readonly name: string; readonly has: (point: number) => boolean }[] = [
  {
    name: 'latin',
    has: (p) =>
      (p >= 0x20 && p <= 0xff) ||
      (p >= 0x2000 && p <= 0x206f) ||
      [0x131, 0x152, 0x153, 0x2bb, 0x2bc, 0x2c6, 0x2da, 0x2dc, 0x20ac, 0x2122, 0x2191, 0x2193, 0x2212, 0x2215].includes(
        p,
      ),
  },
  { name: 'greek', has: (p) => p >= 0x370 && p <= 0x3ff },
  { name: 'latin-ext', has: (p) => (p >= 0x100 && p <= 0x24f) || (p >= 0x1e00 && p <= 0x1eff) },
  { name: 'cyrillic', has: (p) => p >= 0x400 && p <= 0x45f },
]

/** Signs that the files lack, by others that read the same. */
const SUBSTITUTES: Readonly<Record<string, string>> = {
  '→': '->',
  '←': '<-',
  '≤': '<=',
  '≥': '>=',
  '≈': '~',
  '∞': 'inf',
  ᵀ: 'T',
}

const FAMILIES = {
  regular: { name: 'inter', weight: 400 },
  semibold: { name: 'inter', weight: 600 },
  mono: { name: 'jetbrains-mono', weight: 400 },
} as const

/** Path of a font file. Throws where its package is not installed. */
export function fontFile(face: Face, subset = 'latin'): string {
  const { name, weight } = FAMILIES[face]
  return resolveFrom.resolve(`@fontsource/${name}/files/${name}-${subset}-${weight}-normal.woff`)
}

/** The runs of a text; a character that no file has becomes a question mark. */
export function runsOf(text: string, face: Face): Run[] {
  const runs: { text: string; subset: string }[] = []
  const characters = [...text.replace(/[\u0000-\u001f]+/g, ' ')].flatMap((c) => [...(SUBSTITUTES[c] ?? c)])
  for (const c of characters) {
    const subset = SUBSETS.find(({ has }) => has(c.codePointAt(0)!))?.name
    const last = runs.at(-1)
    if (last !== undefined && last.subset === (subset ?? 'latin')) last.text += subset === undefined ? '?' : c
    else runs.push({ text: subset === undefined ? '?' : c, subset: subset ?? 'latin' })
  }
  return runs.map((run) => ({ text: run.text, file: fontFile(face, run.subset) }))
}
