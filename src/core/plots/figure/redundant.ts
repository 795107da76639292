// Series that differ by colour alone get a shape and a dash of their own, so that a figure reads in greyscale too.

import { shapeMark } from '../front.ts'
import type { PointShape } from '../front.ts'
import type { CircleMark, Mark, PathMark, Scene } from '../scene.ts'
import type { Theme } from '../theme.ts'
import { linearOf } from './color.ts'

const SHAPES: readonly PointShape[] = ['circle', 'square', 'diamond', 'triangle']
const DASHES: readonly (string | undefined)[] = [undefined, '6 3', '2 2', '8 3 2 3', '4 2 1 2 1 2', '10 4']

/** Hues mean series; greys are ink, axes and grids. */
function isHue(color: string): boolean {
  const rgb = linearOf(color)
  return rgb !== undefined && Math.max(...rgb) - Math.min(...rgb) > 0.06
}

/** The colour that names a point's series: of a hollow point its rim. */
export function seriesOf(mark: CircleMark | PathMark, theme: Theme): string | undefined {
  const color = [mark.fill, mark.stroke].find((one) => one !== undefined && one !== 'none' && one !== theme.ground)
  return color !== undefined && isHue(color) ? color : undefined
}

/** Whether a path is a line of data: a stroke without a fill that turns at least once. */
export const isLine = (mark: Mark): mark is PathMark & { readonly stroke: string } =>
  mark.mark === 'path' &&
  mark.stroke !== undefined &&
  (mark.fill === undefined || mark.fill === 'none') &&
  (mark.d.match(/[LHVlhvCc]/g)?.length ?? 0) >= 2

/** The scene with shapes for points and dashes for lines of different hues; what has them already stays as it is. */
export function redundant(scene: Scene, theme: Theme): Scene {
  const shapes = lookup(
    scene.marks.filter((mark) => mark.mark === 'circle'),
    SHAPES,
    theme,
  )
  const lines = scene.marks.filter(isLine)
  const dashes = lines.some((line) => line.dash !== undefined && seriesOf(line, theme) !== undefined)
    ? new Map<string, string | undefined>()
    : lookup(lines, DASHES, theme)
  const hasShapes = scene.marks.some(
    (mark) => mark.mark === 'path' && mark.fill !== undefined && mark.fill !== 'none' && mark.key !== undefined,
  )
  const marks = scene.marks.map((mark): Mark => {
    if (mark.mark === 'circle' && !hasShapes) {
      const shape = shapes.get(seriesOf(mark, theme) ?? '') ?? 'circle'
      if (shape === 'circle') return mark
      const { x, y, r, fill, stroke = fill, width = 0, key, title } = mark
      const made = shapeMark(shape, x, y, r, { fill, stroke, width, ...(title !== undefined && { title }) })
      return key === undefined || made.mark === 'text' ? made : { ...made, key }
    }
    if (!isLine(mark) || mark.dash !== undefined) return mark
    const dash = dashes.get(seriesOf(mark, theme) ?? '')
    return dash === undefined ? mark : { ...mark, dash }
  })
  return { ...scene, marks }
}

/** A look for each hue, in order of appearance; hues beyond the looks begin again. */
function lookup<Look>(
  marks: readonly (CircleMark | PathMark)[],
  looks: readonly Look[],
  theme: Theme,
): ReadonlyMap<string, Look> {
  const hues = new Set(marks.map((mark) => seriesOf(mark, theme)).filter((hue) => hue !== undefined))
  return new Map([...hues].map((hue, i) => [hue, looks[i % looks.length]!]))
}
