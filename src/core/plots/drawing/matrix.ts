// Transforms of SVG, and paths under them.

import { pathParts } from '../figure/restyle.ts'

/** x' = a x + c y + e, y' = b x + d y + f. */
export type Matrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number]

export const IDENTITY: Matrix = [1, 0, 0, 1, 0, 0]

export const times = (m: Matrix, n: Matrix): Matrix => [
  m[0] * n[0] + m[2] * n[1],
  m[1] * n[0] + m[3] * n[1],
  m[0] * n[2] + m[2] * n[3],
  m[1] * n[2] + m[3] * n[3],
  m[0] * n[4] + m[2] * n[5] + m[4],
  m[1] * n[4] + m[3] * n[5] + m[5],
]

export const apply = ([a, b, c, d, e, f]: Matrix, x: number, y: number): readonly [number, number] => [
  round(a * x + c * y + e),
  round(b * x + d * y + f),
]

/** How much lengths grow. */
export const scaleOf = ([a, b, c, d]: Matrix): number => Math.sqrt(Math.abs(a * d - b * c))

/** Degrees by which texts turn. */
export const turnOf = ([a, b]: Matrix): number => round((Math.atan2(b, a) * 180) / Math.PI)

const round = (value: number): number => Math.round(value * 1000) / 1000

/** The matrix of a `transform` attribute; what cannot be read changes nothing. */
export function readTransform(text: string): Matrix {
  let matrix = IDENTITY
  for (const [, name, list] of text.matchAll(/(\w+)\s*\(([^)]*)\)/g)) {
    const numbers = (list!.match(/[-+]?[\d.]+(?:e[-+]?\d+)?/gi) ?? []).map(Number)
    const [p = 0, q, r] = numbers
    if (name === 'translate') matrix = times(matrix, [1, 0, 0, 1, p, q ?? 0])
    else if (name === 'scale') matrix = times(matrix, [p, 0, 0, q ?? p, 0, 0])
    else if (name === 'rotate') {
      const turn = (p * Math.PI) / 180
      const [cos, sin, x, y] = [Math.cos(turn), Math.sin(turn), q ?? 0, r ?? 0]
      matrix = times(matrix, times([cos, sin, -sin, cos, x, y], [1, 0, 0, 1, -x, -y]))
    } else if (name === 'matrix' && numbers.length === 6) matrix = times(matrix, numbers as unknown as Matrix)
  }
  return matrix
}

/** A path as it stands under a transform: absolute commands, lines instead of horizontals and verticals. */
export function movedPath(d: string, matrix: Matrix): string {
  const scale = scaleOf(matrix)
  const isMirrored = matrix[0] * matrix[3] - matrix[1] * matrix[2] < 0
  let x = 0,
    y = 0,
    startX = 0,
    startY = 0
  const out: string[] = []
  for (const { command, numbers } of pathParts(d)) {
    const kind = command.toUpperCase()
    const isRelative = command !== kind
    if (kind === 'Z') {
      out.push('Z')
      x = startX
      y = startY
      continue
    }
    const length = LENGTHS[kind]!
    for (let at = 0; at + length <= numbers.length; at += length) {
      const values = numbers.slice(at, at + length)
      const dx = isRelative ? x : 0,
        dy = isRelative ? y : 0
      const place = (i: number): readonly [number, number] => apply(matrix, values[i]! + dx, values[i + 1]! + dy)
      if (kind === 'H' || kind === 'V') {
        if (kind === 'H') x = values[0]! + dx
        else y = values[0]! + dy
        out.push(`L${apply(matrix, x, y).join(',')}`)
        continue
      }
      if (kind === 'A') {
        const [rx, ry, turn, large, sweep] = values as [number, number, number, number, number]
        const isSwept = (sweep === 1) !== isMirrored
        out.push(
          `A${round(rx * scale)},${round(ry * scale)} ${round(turn + turnOf(matrix))} ${large} ${isSwept ? 1 : 0} ${place(5).join(',')}`,
        )
      } else {
        const points = Array.from({ length: length / 2 }, (_, i) => place(2 * i).join(','))
        // pairs behind the first of an M are lines
        out.push(`${kind === 'M' && at > 0 ? 'L' : kind}${points.join(' ')}`)
      }
      x = values[length - 2]! + dx
      y = values[length - 1]! + dy
      if (kind === 'M' && at === 0) {
        startX = x
        startY = y
      }
    }
  }
  return out.join('')
}

const LENGTHS: Readonly<Record<string, number>> = { M: 2, L: 2, T: 2, H: 1, V: 1, S: 4, Q: 4, C: 6, A: 7 }
