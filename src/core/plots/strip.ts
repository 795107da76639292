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

/** Marks of a strip whose upper left corner is (x, y). */
export function stripMarks(
  { blocks }: ResolvedSpec,
  x: number,
  y: number,
  { width, height, theme, weights }: StripOptions,
): Mark[] {
  const total = weights?.reduce((a, b) => a + b, 0) ?? blocks.length
  const gap = width / blocks.length > 4 ? 1 : 0
  let at = x
  return blocks.flatMap((flat, i): Mark[] => {
    const cell = ((weights?.[i] ?? 1) / total) * width
    const glyph = glyphOf(flat)
    const isChannel = flat.block.category === 'channel mixer'
    const h = isChannel ? height / 2 : height
    const rect: RectMark = {
      mark: 'rect',
      x: at,
      y: y + height - h,
      w: Math.max(0.5, cell - gap),
      h,
      fill: glyph[theme.side],
      radius: 1,
      title: flat.block.title,
    }
    const fits = cell >= 10 && height >= 14 && !isChannel
    const letter: Mark = {
      mark: 'text',
      x: at + (cell - gap) / 2,
      y: y + height / 2 + 4,
      text: glyph.letter,
      fill: theme.ground,
      size: 10,
      anchor: 'middle',
      weight: 600,
    }
    at += cell
    return fits ? [rect, letter] : [rect]
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
