// Sizes of figures for the venues of the field, from their style files. TeX points are 1/72.27 inch, PDF points 1/72.

export interface Preset {
  readonly kind: string
  readonly title: string
  /** Widths of a figure, in inches: a venue of one column has `full` only. */
  readonly widths: Readonly<Partial<Record<FigureSpan, number>>>
  /** Size of axis titles, in points; ticks and labels are a little smaller. */
  readonly text: number
  /** Width of an axis line, in points; other lines keep their share. */
  readonly line: number
}

export type FigureSpan = 'column' | 'full'

/** An axis title is a point smaller than the text around the figure, as in tueplots (its fontsizes.py). */
const titleOf = (base: number): number => base - 1

const pica = (count: number): number => (count * 12) / 72.27

export const PRESETS: readonly Preset[] = [
  // tueplots figsizes.py and fontsizes.py, NeurIPS: text 5.5 in wide, 10 pt
  { kind: 'neurips', title: 'NeurIPS', widths: { full: 5.5 }, text: titleOf(10), line: 0.6 },
  // tueplots, ICML: columns of 3.25 in in 6.75 in, 9 pt
  { kind: 'icml', title: 'ICML', widths: { column: 3.25, full: 6.75 }, text: titleOf(9), line: 0.6 },
  // tueplots, ICLR: text 5.5 in wide, 10 pt
  { kind: 'iclr', title: 'ICLR', widths: { full: 5.5 }, text: titleOf(10), line: 0.6 },
  // acl.sty: A4 with margins of 2.5 cm leaves 16 cm; \columnsep 0.6 cm; captions 10 pt
  { kind: 'acl', title: 'ACL', widths: { column: 7.7 / 2.54, full: 16 / 2.54 }, text: titleOf(10), line: 0.6 },
  // tueplots, CVPR 2024: 3.25 in and 6.875 in, 9 pt
  { kind: 'cvpr', title: 'CVPR', widths: { column: 3.25, full: 6.875 }, text: titleOf(9), line: 0.6 },
  // tueplots, AAAI 2024: 3.3 in and 6.975 in, 10 pt
  { kind: 'aaai', title: 'AAAI', widths: { column: 3.3, full: 6.975 }, text: titleOf(10), line: 0.6 },
  // IEEEtran.cls: \textwidth 43pc, \columnsep 1pc, so columns of 21pc; 10 pt
  { kind: 'ieee', title: 'IEEE', widths: { column: pica(21), full: pica(43) }, text: titleOf(10), line: 0.6 },
  // half and whole of a 16:9 slide of 13.333 in with half an inch around; text readable from the last row
  { kind: 'slides', title: 'Slides', widths: { column: 6, full: 12.333 }, text: 16, line: 1.5 },
]

/** Height for each unit of width. */
export const ASPECTS = { flat: 0.45, golden: 0.618, tall: 0.8, square: 1 } as const
export type Aspect = keyof typeof ASPECTS

export interface FigureChoice {
  readonly preset: Preset
  readonly span: FigureSpan
  readonly aspect: Aspect
}

/** Width of a figure in inches; of the only span where a venue lacks the chosen one. */
export const widthOf = ({ preset: { widths }, span }: Pick<FigureChoice, 'preset' | 'span'>): number =>
  widths[span] ?? widths.full ?? widths.column!
