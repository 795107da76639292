// Looks of SVG elements: what they inherit, as colours that print.

import { color } from 'd3'
import type { Theme } from '../theme.ts'
import type { MarkupNode } from './markup.ts'

export interface Style {
  readonly fill: string
  readonly stroke: string
  readonly strokeWidth: number
  readonly dash: string
  /** Of the element and what it stands in. */
  readonly opacity: number
  readonly fillOpacity: number
  readonly strokeOpacity: number
  readonly size: number
  readonly weight: number
  readonly isMono: boolean
  readonly anchor: 'start' | 'middle' | 'end'
  readonly isHidden: boolean
}

/** Looks before the first element says anything. */
export const PLAIN: Style = {
  fill: '#000000',
  stroke: 'none',
  strokeWidth: 1,
  dash: '',
  opacity: 1,
  fillOpacity: 1,
  strokeOpacity: 1,
  size: 12,
  weight: 400,
  isMono: false,
  anchor: 'start',
  isHidden: false,
}

/** Attributes of an element, under those of its `style`. */
export function readerOf({ attributes }: MarkupNode): (name: string) => string | undefined {
  const own = new Map(
    (attributes.get('style') ?? '').split(';').flatMap((part) => {
      const at = part.indexOf(':')
      return at < 0 ? [] : [[part.slice(0, at).trim(), part.slice(at + 1).trim()] as const]
    }),
  )
  return (name) => own.get(name) ?? attributes.get(name)
}

/** The looks of an element inside of others. */
export function styleOf(node: MarkupNode, parent: Style, theme: Theme): Style {
  const read = readerOf(node)
  const number = (name: string, otherwise: number): number => {
    const value = Number.parseFloat(read(name) ?? '')
    return Number.isFinite(value) ? value : otherwise
  }
  const share = (name: string, otherwise: number): number => {
    const text = read(name)
    const value = number(name, otherwise) / (text?.endsWith('%') === true ? 100 : 1)
    return Math.min(1, Math.max(0, value))
  }
  const paint = (name: 'fill' | 'stroke'): string => {
    const text = read(name)
    return text === undefined || text === 'inherit' ? parent[name] : paintOf(text, theme)
  }
  const weight = read('font-weight')
  const anchor = read('text-anchor')
  const dash = read('stroke-dasharray')
  return {
    fill: paint('fill'),
    stroke: paint('stroke'),
    strokeWidth: number('stroke-width', parent.strokeWidth),
    dash: dash === undefined ? parent.dash : dash === 'none' ? '' : (dash.match(/[\d.]+/g) ?? []).join(' '),
    opacity: parent.opacity * share('opacity', 1),
    fillOpacity: share('fill-opacity', parent.fillOpacity),
    strokeOpacity: share('stroke-opacity', parent.strokeOpacity),
    size: sizeOf(read('font-size'), parent.size),
    weight: weight === undefined ? parent.weight : weight === 'bold' ? 700 : Number(weight) || 400,
    isMono: read('font-family')?.toLowerCase().includes('mono') ?? parent.isMono,
    anchor: anchor === 'start' || anchor === 'middle' || anchor === 'end' ? anchor : parent.anchor,
    isHidden: parent.isHidden || read('display') === 'none' || read('visibility') === 'hidden',
  }
}

function sizeOf(text: string | undefined, parent: number): number {
  const value = Number.parseFloat(text ?? '')
  if (!Number.isFinite(value)) return parent
  return text!.trim().endsWith('em') ? value * parent : value
}

/** A colour as #rrggbb; `none` for what is no plain colour. */
export function paintOf(text: string, theme: Theme): string {
  if (/^(?:currentcolor|context-fill|context-stroke)$/i.test(text)) return theme.ink
  if (text.startsWith('var(')) return theme.ground
  const found = text === 'none' || text === 'transparent' ? null : color(text)
  return found === null || found.opacity === 0 ? 'none' : found.formatHex()
}

/** A length of text: `0.32em` of its size, `50%` of a whole, or a number. */
export function lengthOf(text: string | undefined, size: number, whole: number, otherwise = 0): number {
  const value = Number.parseFloat(text ?? '')
  if (!Number.isFinite(value)) return otherwise
  if (text!.trim().endsWith('em')) return value * size
  return text!.trim().endsWith('%') ? (value / 100) * whole : value
}
