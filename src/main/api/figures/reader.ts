// A figure as a screen sends it: every mark checked, so that nothing but numbers, colours and text reaches the file.

import { HeddleError } from '#core/errors.ts'
import type { Figure } from '#core/plots/figure/restyle.ts'
import type { Mark } from '#core/plots/scene.ts'
import { show } from '#core/params.ts'

/** A figure is refused beyond these: a page in inches, marks, characters. */
const MOST = { side: 200 * 72, marks: 60_000, path: 2_000_000, text: 2000 }

type Fields = Readonly<Record<string, unknown>>

const refuse = (path: string, value: unknown, rule: string): never => {
  throw new HeddleError('param-invalid', `${path} (${show(value)}) must be ${rule}`, { path })
}

const number = (value: unknown, path: string, min = -1e5, max = 1e5): number =>
  typeof value === 'number' && value >= min && value <= max
    ? value
    : refuse(path, value, `a number from ${min} to ${max}`)

const text = (value: unknown, path: string, longest: number): string =>
  typeof value === 'string' && value.length <= longest
    ? value
    : refuse(path, value, `text of at most ${longest} characters`)

const matching =
  (pattern: RegExp, rule: string) =>
  (value: unknown, path: string): string =>
    typeof value === 'string' && value.length <= MOST.path && pattern.test(value) ? value : refuse(path, value, rule)

const color = matching(/^(?:#[0-9a-fA-F]{6}|none)$/, 'a colour such as #1b1f24')
const pathData = matching(/^[MmLlHhVvCcSsQqTtAaZz\d\s.,eE+-]*$/, 'path data')
const dashes = matching(/^[\d. ,]{1,100}$/, 'lengths of dashes')

/** Reads the fields that are given. */
function given<T extends Readonly<Record<string, (value: unknown, path: string) => unknown>>>(
  fields: Fields,
  path: string,
  readers: T,
): { [K in keyof T]?: ReturnType<T[K]> } {
  return Object.fromEntries(
    Object.entries(readers)
      .filter(([name]) => fields[name] !== undefined)
      .map(([name, read]) => [name, read(fields[name], `${path}.${name}`)]),
  ) as { [K in keyof T]?: ReturnType<T[K]> }
}

const size = (value: unknown, path: string): number => number(value, path, 0)
const share = (value: unknown, path: string): number => number(value, path, 0, 1)

function mark(value: unknown, path: string): Mark {
  if (typeof value !== 'object' || value === null) return refuse(path, value, 'a mark')
  const fields = value as Fields
  const at = { x: number, y: number }
  switch (fields['mark']) {
    case 'path':
      return {
        mark: 'path',
        d: pathData(fields['d'], `${path}.d`),
        ...given(fields, path, { fill: color, stroke: color, width: size, dash: dashes, opacity: share }),
      }
    case 'circle':
      return {
        mark: 'circle',
        ...need(given(fields, path, { ...at, r: size, fill: color }), ['x', 'y', 'r', 'fill'], path),
        ...given(fields, path, { stroke: color, width: size }),
      }
    case 'rect':
      return {
        mark: 'rect',
        ...need(given(fields, path, { ...at, w: size, h: size, fill: color }), ['x', 'y', 'w', 'h', 'fill'], path),
        ...given(fields, path, { stroke: color, opacity: share, radius: size }),
      }
    case 'text': {
      const words = (one: unknown, where: string): string => text(one, where, MOST.text)
      const anchor = fields['anchor']
      const found = need(given(fields, path, { ...at, text: words, fill: color }), ['x', 'y', 'text', 'fill'], path)
      return {
        mark: 'text',
        ...found,
        ...given(fields, path, { size, weight: size, rotate: number }),
        ...((anchor === 'start' || anchor === 'middle' || anchor === 'end') && { anchor }),
        ...(fields['mono'] === true && { mono: true }),
      }
    }
    default:
      return refuse(`${path}.mark`, fields['mark'], 'path, circle, rect or text')
  }
}

function need<T extends object, K extends keyof T>(
  found: T,
  names: readonly K[],
  path: string,
): Required<Pick<T, K>> & T {
  const missing = names.find((name) => found[name] === undefined)
  if (missing !== undefined) return refuse(`${path}.${String(missing)}`, undefined, 'given')
  return found as Required<Pick<T, K>> & T
}

/** Reads a figure. Throws HeddleError `param-invalid` naming the field. */
export function readFigure(value: unknown, path: string): Figure {
  if (typeof value !== 'object' || value === null) return refuse(path, value, 'a figure')
  const fields = value as Fields
  const marks = fields['marks']
  if (!Array.isArray(marks) || marks.length > MOST.marks)
    return refuse(`${path}.marks`, marks, `a list of at most ${MOST.marks} marks`)
  return {
    unit: 'pt',
    width: number(fields['width'], `${path}.width`, 1, MOST.side),
    height: number(fields['height'], `${path}.height`, 1, MOST.side),
    marks: marks.map((one, i) => mark(one, `${path}.marks[${i}]`)),
    description: text(fields['description'], `${path}.description`, 20_000),
  }
}
