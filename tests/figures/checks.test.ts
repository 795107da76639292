// The self-check finds what an author must mend, and only that.

import { describe, expect, it } from 'vitest'
import { checkFigure, roughMeasure } from '#core/plots/figure/checks.ts'
import type { FindingKind } from '#core/plots/figure/checks.ts'
import { PRESETS } from '#core/plots/figure/presets.ts'
import type { FigureSpan } from '#core/plots/figure/presets.ts'
import { figureOf } from '#core/plots/figure/restyle.ts'
import type { Figure } from '#core/plots/figure/restyle.ts'
import type { Mark, TextMark } from '#core/plots/scene.ts'
import { PLOTS } from './samples.ts'

const word = (fields: Partial<TextMark>): TextMark => ({
  ...{ mark: 'text', x: 100, y: 50, text: 'word', fill: '#111418', size: 9 },
  ...fields,
})
const line = (fields: Partial<Extract<Mark, { mark: 'path' }>>): Mark => ({
  ...{ mark: 'path', d: 'M0,0L10,5L20,0', stroke: '#2F62C9', width: 1 },
  ...fields,
})
const page = (...marks: readonly Mark[]): Figure => ({ unit: 'pt', width: 300, height: 200, description: '', marks })
const found = (...marks: readonly Mark[]): FindingKind[] => checkFigure(page(...marks)).map(({ kind }) => kind)

describe('the check', () => {
  it('passes a page without faults', () => {
    expect(
      found(
        word({}),
        word({ y: 70, size: 6 }),
        word({ x: 150, y: 195, anchor: 'middle', text: 'latency, ms' }),
        word({ x: 10, y: 100, anchor: 'middle', rotate: -90, text: 'loss, nats/token' }),
        line({}),
        line({ stroke: '#D9730D', dash: '4 2' }),
      ),
    ).toEqual([])
  })

  it.each<[FindingKind, readonly Mark[]]>([
    ['small-text', [word({ size: 5.9 })]],
    ['clipped', [word({ x: 290 })]],
    ['clipped', [word({ x: 100, y: 3 })]],
    ['clipped', [word({ x: 5, y: 10, rotate: -90, text: 'a long title of an axis' })]],
    ['overlap', [word({}), word({ x: 104, y: 52 })]],
    ['no-unit', [word({ x: 150, y: 195, anchor: 'middle', text: 'latency' })]],
    ['no-unit', [word({ x: 10, y: 100, anchor: 'middle', rotate: -90, text: 'loss' })]],
    ['no-unit', [word({ isTitle: true, text: 'time' })]],
    ['faint', [line({ width: 0.3 })]],
    ['faint', [line({ stroke: '#F4F4F4' })]],
    ['faint', [line({ opacity: 0.05 })]],
    // orange and green of one lightness, and red against green
    ['alike', [line({ stroke: '#C07830' }), line({ stroke: '#58964A' })]],
  ])('finds %s', (kind, marks) => {
    expect(found(...marks)).toEqual([kind])
  })

  it('names the place, and counts what is too much to list', () => {
    const [finding] = checkFigure(page(word({ text: 'tiny', size: 4 })))
    expect(finding!.text).toBe('"tiny" is 4.0 pt, under 6 pt')
    const many = Array.from({ length: 9 }, (_, i) => word({ y: 10 + 20 * i, text: `word ${i}`, size: 4 }))
    expect(checkFigure(page(...many)).at(-1)!.text).toBe('4 more of this kind')
  })

  it('says what of a drawing is left out', () => {
    expect(checkFigure({ ...page(), omitted: ['images'] })).toEqual([
      { kind: 'omitted', text: 'images of the drawing are left out' },
    ])
  })
})

it.each(Object.entries(PLOTS))('%s is fit for print at every venue', (_, make) => {
  for (const preset of PRESETS)
    for (const span of Object.keys(preset.widths) as FigureSpan[]) {
      const figure = figureOf(make, { preset, span, aspect: 'golden' })
      expect(checkFigure(figure, roughMeasure), `${preset.kind} ${span}`).toEqual([])
      const sizes = figure.marks.flatMap((mark) => (mark.mark === 'text' ? [mark.size!] : []))
      expect(Math.max(...sizes)).toBeCloseTo(preset.text, 1)
      expect(Math.min(...sizes)).toBeGreaterThanOrEqual(6)
    }
})
