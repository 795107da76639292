// The look of a block outside the strip: its letter on its colour.

import { blockOf } from '#core/blocks/index.ts'
import type { Block, Glyph } from '#core/blocks/index.ts'
import type { BlockItem } from '#core/model/spec.ts'
import { resolveParams } from '#core/params.ts'
import type { ParamValue } from '#core/params.ts'

/** The block of an item with its glyph; parameters that break a rule leave it its usual look. */
export function lookOf(item: BlockItem, dModel: number): { readonly block: Block; readonly glyph: Glyph } {
  const block = blockOf(item.kind, 'kind')
  try {
    const params = resolveParams(block.params, item.params, { dModel }, 'params')
    return { block, glyph: block.variant?.(params as never) ?? block.glyph }
  } catch {
    return { block, glyph: block.glyph }
  }
}

/** Relative luminance of `#rrggbb` (WCAG 2.2). */
function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

const INK = '#1b1f24'
const PAPER = '#ffffff'

/** Ink or paper, whichever reads better on a colour. */
export function letterOn(colour: string): string {
  const contrast = (other: string): number => {
    const [low, high] = [luminance(colour), luminance(other)].sort((a, b) => a - b) as [number, number]
    return (high + 0.05) / (low + 0.05)
  }
  return contrast(PAPER) >= contrast(INK) ? PAPER : INK
}

/** The parameters that were given, short: `window 512 · nKvHeads 4`. */
export function givenParams(item: BlockItem): string {
  const show = (value: ParamValue): string =>
    value === null ? 'none' : value === true ? 'on' : value === false ? 'off' : String(value)
  return Object.entries(item.params ?? {})
    .map(([name, value]) => `${name} ${show(value)}`)
    .join(' · ')
}
