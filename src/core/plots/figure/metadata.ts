// Where a figure came from, kept inside its file: dropped on the workbench it opens the same view again.

import { fromBase64, toBase64 } from '../../base64.ts'
import { decodeUtf8, encodeUtf8 } from '../../utf8.ts'
import { ascii, chunk, concat, isPng, view } from './png.ts'

/** The view behind a figure. */
export interface FigureSource {
  readonly name: string
  /** The view's address, `#/search?study=2`. */
  readonly address: string
  /** Name of the project that the numbers are of. */
  readonly project?: string
  /** Keys that were selected. */
  readonly selection?: readonly string[]
  /** What made the plot, where the address is not enough to make it again: the text of a cell. */
  readonly spec?: string
}

const MOST_KEYS = 1000
const LONGEST = { name: 200, address: 2000, key: 200, spec: 20_000 }
const MARK = 'heddle-figure'

/** The record that files keep. */
export function sourceText({ name, address, project, selection, spec }: FigureSource): string {
  return JSON.stringify({
    [MARK]: 1,
    name: name.slice(0, LONGEST.name),
    address: address.slice(0, LONGEST.address),
    ...(project !== undefined && { project: project.slice(0, LONGEST.name) }),
    ...(selection !== undefined && selection.length > 0 && { selection: selection.slice(0, MOST_KEYS) }),
    ...(spec !== undefined && { spec: spec.slice(0, LONGEST.spec) }),
  })
}

/** The record as one word of letters and digits, for formats whose fields are plain text. */
export const sourceWord = (source: FigureSource): string => `${MARK}:${toBase64(encodeUtf8(sourceText(source)))}`

/** Reads a record of unknown origin; undefined unless it is whole, bounded, and of a place that exists. */
export function readSource(text: string, places: readonly string[]): FigureSource | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { [MARK]: version, name, address, project, selection, spec } = value as Record<string, unknown>
  if (version !== 1 || !isText(name, LONGEST.name) || !isText(address, LONGEST.address)) return undefined
  const place = /^#\/([a-z]+)(?:\?[^#\s<>"]*)?$/.exec(address)?.[1]
  if (place === undefined || !places.includes(place)) return undefined
  const keys = Array.isArray(selection) ? selection.slice(0, MOST_KEYS).filter((key) => isText(key, LONGEST.key)) : []
  return {
    name,
    address,
    ...(isText(project, LONGEST.name) && { project }),
    ...(keys.length > 0 && { selection: keys }),
    ...(isText(spec, LONGEST.spec) && { spec }),
  }
}

const isText = (value: unknown, longest: number): value is string =>
  typeof value === 'string' && value.length <= longest

/** The record inside the bytes of an SVG, PNG, PDF or TeX file; undefined where there is none. */
export function sourceIn(bytes: Uint8Array, places: readonly string[]): FigureSource | undefined {
  if (isPng(bytes)) {
    const text = pngText(bytes)
    return text === undefined ? undefined : readSource(text, places)
  }
  const text = latin(bytes)
  const word = /heddle-figure:([A-Za-z0-9+/=]{4,400000})/.exec(text)?.[1]
  const record = word === undefined ? undefined : fromBase64(word)
  const json = record === undefined ? undefined : decodeUtf8(record)
  return json === undefined ? undefined : readSource(json, places)
}

/** A PNG with its record (iTXt, keyword heddle-figure) and its resolution (pHYs) before the picture. */
export function withPngSource(png: Uint8Array, source: FigureSource, dotsPerInch: number): Uint8Array {
  if (!isPng(png)) throw new Error('not a PNG')
  const end = 8 + 12 + view(png).getUint32(8)
  const dots = Math.round(dotsPerInch / 0.0254)
  const physical = new Uint8Array(9)
  new DataView(physical.buffer).setUint32(0, dots)
  new DataView(physical.buffer).setUint32(4, dots)
  physical[8] = 1
  const content = concat([ascii(MARK), new Uint8Array([0, 0, 0, 0, 0]), encodeUtf8(sourceText(source))])
  return concat([png.subarray(0, end), chunk('pHYs', physical), chunk('iTXt', content), png.subarray(end)])
}

function pngText(bytes: Uint8Array): string | undefined {
  let at = 8
  while (at + 12 <= bytes.length) {
    const length = view(bytes).getUint32(at)
    if (length > bytes.length - at - 12) return undefined
    const body = bytes.subarray(at + 8, at + 8 + length)
    const head = `${MARK}\0\0\0\0\0`
    if (latin(bytes.subarray(at + 4, at + 8)) === 'iTXt' && latin(body.subarray(0, head.length)) === head)
      return decodeUtf8(body.subarray(head.length))
    at += 12 + length
  }
  return undefined
}

function latin(bytes: Uint8Array): string {
  const parts: string[] = []
  for (let at = 0; at < bytes.length; at += 8192)
    parts.push(String.fromCharCode.apply(null, bytes.subarray(at, at + 8192) as unknown as number[]))
  return parts.join('')
}
