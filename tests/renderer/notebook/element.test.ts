// Drawing libraries draw into the small document as into a real one.

import * as Plot from '@observablehq/plot'
import * as d3 from 'd3'
import { expect, it } from 'vitest'
import { Document, Element, markupOf } from '../../../src/renderer/notebook/sandbox/element.ts'
import { shownOf } from '../../../src/renderer/notebook/sandbox/shown.ts'

const document = new Document()
const points = d3.range(40).map((i) => ({ x: i, y: Math.sin(i / 5) + 2, group: i % 2 === 0 ? 'even' : 'odd <&"' }))
const drawn = (options: Plot.PlotOptions): Element =>
  Plot.plot({ ...options, document: document as never }) as unknown as Element

it.each<[string, Plot.PlotOptions]>([
  [
    'lines and text',
    {
      marks: [
        Plot.lineY(points, { x: 'x', y: 'y', stroke: 'group' }),
        Plot.text(points, Plot.selectLast({ x: 'x', y: 'y', text: 'group' })),
      ],
    },
  ],
  [
    'bars with facets',
    {
      fx: { label: 'G' },
      marks: [Plot.barY(points, Plot.groupX({ y: 'mean' }, { x: 'group', y: 'y' })), Plot.ruleY([0])],
    },
  ],
  ['a legend', { color: { legend: true }, marks: [Plot.dot(points, { x: 'x', y: 'y', fill: 'group' })] }],
  ['density', { marks: [Plot.density(points, { x: 'x', y: 'y' }), Plot.frame()] }],
  [
    'a log axis and tips',
    { x: { type: 'log', domain: [1, 40] }, marks: [Plot.dot(points, { x: (d) => d.x + 1, y: 'y', tip: true })] },
  ],
  ['titles', { title: 'A <title>', caption: 'c', marks: [Plot.rectY(points, Plot.binX({ y: 'count' }, { x: 'y' }))] }],
])('Plot draws %s', (_, options) => {
  const shown = shownOf(drawn(options))
  if (shown?.type !== 'svg' && shown?.type !== 'html') throw new Error('nothing was drawn')
  expect(shown.markup).toContain('<svg')
  expect(shown.markup).not.toMatch(/NaN|undefined|\[object/)
  expect(shown.markup).not.toContain('odd <')
  expect(shown.width).toBeGreaterThan(100)
})

it('d3 joins, orders and removes', () => {
  const list = d3.select(document.createElement('ul') as never) as unknown as d3.Selection<
    HTMLElement,
    unknown,
    null,
    undefined
  >
  const draw = (names: readonly string[]): string => {
    list
      .selectAll<HTMLElement, string>('li')
      .data(names, (name) => name)
      .join('li')
      .attr('class', (name) => name)
      .style('font-size', '12px')
      .text((name) => name)
      .order()
    return list
      .selectAll('li')
      .nodes()
      .map((node) => (node as unknown as Element).textContent)
      .join(' ')
  }
  expect(draw(['a', 'b', 'c'])).toBe('a b c')
  expect(draw(['c', 'd', 'a'])).toBe('c d a')
  expect(markupOf(list.node() as never)).toContain('<li class="d" style="font-size: 12px">d</li>')
})

it('markup is escaped, and names that are none are left out', () => {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  svg.setAttribute('onload="alert(1)" x', 'y')
  svg.setAttribute('title', '"><script>alert(1)</script>')
  svg.append('<script>alert(2)</script>')
  svg.appendChild(document.createElement('a b><script'))
  const markup = markupOf(svg)
  expect(markup).not.toContain('<script')
  expect(markup).not.toContain('onload')
})

it('values are shown as tables and text, within bounds', () => {
  expect(
    shownOf([
      { a: 1, b: NaN },
      { a: 'x', c: { d: 1 } },
    ]),
  ).toMatchObject({
    columns: ['a', 'b', 'c'],
    rows: [
      [1, null, null],
      ['x', null, '{\n "d": 1\n}'],
    ],
  })
  expect(shownOf(d3.range(2000).map((i) => ({ i })))).toMatchObject({ isCut: true })
  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  expect(shownOf(circle)).toEqual({ type: 'text', text: '[object Object]' })
  expect(shownOf(5n)).toEqual({ type: 'text', text: '"5n"' })
  expect(shownOf(undefined)).toBeUndefined()
})
