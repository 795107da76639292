// The stack strip: one glyph for an architecture, everywhere. One cell for each block in order, channel mixers half as high.

import type { Glyph } from '../blocks/index.ts'
import type { FlatBlock, ResolvedSpec } from '../model/spec.ts'
import type { Mark, RectMark, Scene } from './scene.ts'
import type { Theme } from './theme.ts'

export interface StripOptions {
  readonly width: number
  readonly height: number
  readonly theme: Theme
  /** Relative width of each cell (latency, parameters, state bytes); equal without. */
  readonly weights?: readonly number[]
}

/** Letter and colours of a block with its parameters. */
export const glyphOf = ({ block, params }: FlatBlock): Glyph => block.variant?.(params as never) ?? block.glyph

/** Where a cell of a strip stands. */
export interface StripCell {
  readonly x: number
  readonly y: number
  readonly w: number
  readonly h: number
}

/** The cells of a strip whose upper left corner is (x, y), in the order of the blocks. */
export function stripCells(
  { blocks }: ResolvedSpec,
  x: number,
  y: number,
  { width, height, weights }: Omit<StripOptions, 'theme'>,
): StripCell[] {
  const total = weights?.reduce((a, b) => a + b, 0) ?? blocks.length
  const gap = width / blocks.length > 4 ? 1 : 0
  let at = x
  return blocks.map(({ block }, i) => {
    const cell = ((weights?.[i] ?? 1) / total) * width
    const h = block.category === 'channel mixer' ? height / 2 : height
    const place = { x: at, y: y + height - h, w: Math.max(0.5, cell - gap), h }
    at += cell
    return place
  })
}

/** Marks of a strip whose upper left corner is (x, y). */
export function stripMarks(resolved: ResolvedSpec, x: number, y: number, options: StripOptions): Mark[] {
  const { theme, height } = options
  const cells = stripCells(resolved, x, y, options)
  return resolved.blocks.flatMap((flat, i): Mark[] => {
    const cell = cells[i]!
    const glyph = glyphOf(flat)
    const rect: RectMark = {
      mark: 'rect',
      ...cell,
      fill: glyph[theme.side],
      radius: 1,
      title: flat.block.title,
    }
    const hasLetter = cell.w >= 9 && height >= 14 && flat.block.category !== 'channel mixer'
    if (!hasLetter) return [rect]
    return [
      rect,
      {
        mark: 'text',
        x: cell.x + cell.w / 2,
        y: y + height / 2 + 4,
        text: glyph.letter,
        fill: theme.ground,
        size: 10,
        anchor: 'middle',
        weight: 600,
      },
    ]
  })
}

/** A strip as a scene of its own. */
export function stripScene(resolved: ResolvedSpec, options: StripOptions): Scene {
  const names = resolved.blocks.map((b) => b.block.title).join(', ')
  return {
    width: options.width,
    height: options.height,
    marks: stripMarks(resolved, 0, 0, options),
    description: `stack of ${resolved.blocks.length} blocks: ${names}`,
  }
}
