// A notebook with what its cells show, ready to be printed: what every format of export is made from.

/** A picture is SVG; markup of code is never part of a page, only of a picture or of a closed frame. */
export type ExportOutput =
  | { readonly type: 'svg'; readonly name: string; readonly svg: string }
  | { readonly type: 'html'; readonly name: string; readonly markup: string; readonly height: number }
  | {
      readonly type: 'table'
      readonly name: string
      readonly columns: readonly string[]
      readonly rows: readonly (readonly (string | number | null)[])[]
    }
  | { readonly type: 'text'; readonly text: string }

export type ExportPiece =
  | { readonly type: 'prose'; readonly text: string }
  | {
      readonly type: 'cell'
      readonly kind: string
      readonly title: string
      readonly id: string
      readonly source: string
      /** `stale`, `not run` ...; empty for what is up to date. */
      readonly note: string
      readonly outputs: readonly ExportOutput[]
    }

export interface ExportDocument {
  readonly name: string
  readonly title: string
  /** The program with its version, and the project. */
  readonly origin: string
  readonly pieces: readonly ExportPiece[]
}

/** The largest picture in markup of code; undefined where there is none. */
export function pictureIn(markup: string): string | undefined {
  const pictures = [...markup.matchAll(/<svg[\s>][\s\S]*?<\/svg>/g)].map(([svg]) => svg)
  return pictures.sort((a, b) => b.length - a.length)[0]
}

/** A number as tables print it. */
export const valueText = (value: string | number | null): string =>
  value === null
    ? ''
    : typeof value === 'number' && !Number.isInteger(value)
      ? String(Number(value.toPrecision(6)))
      : String(value)
