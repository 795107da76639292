// What code draws with Plot and d3 prints as other plots do: same places, same words, colours that a file can hold.

import * as Plot from '@observablehq/plot'
import * as d3 from 'd3'
import { describe, expect, it } from 'vitest'
import { movedPath, readTransform, times } from '#core/plots/drawing/matrix.ts'
import { readMarkup, textIn } from '#core/plots/drawing/markup.ts'
import { drawingScene } from '#core/plots/drawing/scene.ts'
import type { Mark, Scene, TextMark } from '#core/plots/scene.ts'
import { PAPER } from '#core/plots/figure/restyle.ts'
import { Document, markupOf } from '../../../../src/renderer/notebook/sandbox/element.ts'

const document = new Document()
const points = d3.range(30).map((i) => ({ x: i, y: Math.sin(i / 5) + 2, kind: i % 2 === 0 ? 'even' : 'odd <&"' }))
const sceneOf = (options: Plot.PlotOptions): Scene =>
  drawingScene(markupOf(Plot.plot({ ...options, document: document as never }) as never), PAPER)
const svg = (body: string): Scene =>
  drawingScene(`<svg width="100" height="80" viewBox="0 0 200 160">${body}</svg>`, PAPER)
const texts = ({ marks }: Scene): TextMark[] => marks.filter((mark): mark is TextMark => mark.mark === 'text')
const ofKind = <K extends Mark['mark']>({ marks }: Scene, kind: K): Extract<Mark, { mark: K }>[] =>
  marks.filter((mark): mark is Extract<Mark, { mark: K }> => mark.mark === kind)

describe('a plot', () => {
  const scene = sceneOf({
    grid: true,
    title: 'A title',
    caption: 'a caption',
    x: { label: 'Step' },
    y: { label: 'Loss (nats/token)' },
    color: { legend: true },
    marks: [
      Plot.dot(points, { x: 'x', y: 'y', fill: 'kind', title: 'kind' }),
      Plot.lineY(points, { x: 'x', y: 'y', stroke: 'kind', strokeDasharray: '4 2' }),
      Plot.areaY(points, { x: 'x', y: 'y', fill: 'steelblue', fillOpacity: 0.2 }),
    ],
  })

  it('keeps its points, lines, words and legend', () => {
    // two of them are in the legend
    expect(ofKind(scene, 'circle')).toHaveLength(32)
    expect(ofKind(scene, 'circle')[1]!.title).toBe('odd <&"')
    expect(ofKind(scene, 'path').filter(({ dash }) => dash === '4 2')).toHaveLength(4)
    expect(ofKind(scene, 'path').some(({ fill, opacity }) => fill === '#4682b4' && opacity === 0.2)).toBe(true)
    const words = texts(scene).map(({ text }) => text)
    expect(words).toEqual(expect.arrayContaining(['A title', 'a caption', 'even', 'odd <&"', '5', '25']))
    expect(scene.description).toBe('A title. a caption')
    expect(scene.omitted).toBeUndefined()
  })

  it('names its axes, without arrows', () => {
    expect(texts(scene).flatMap(({ text, isTitle }) => (isTitle === true ? [text] : []))).toEqual([
      'Loss (nats/token)',
      'Step',
    ])
  })

  it('stays inside of its page, in colours of six digits', () => {
    expect(scene.width).toBe(640)
    for (const mark of scene.marks) {
      if (mark.mark === 'text' || mark.mark === 'circle') {
        expect(mark.x).toBeGreaterThanOrEqual(0)
        expect(mark.x).toBeLessThanOrEqual(scene.width)
        expect(mark.y).toBeLessThanOrEqual(scene.height)
      }
      for (const color of [mark.fill, 'stroke' in mark ? mark.stroke : undefined])
        expect(color ?? 'none').toMatch(/^(none|#[0-9a-fA-F]{6})$/)
    }
    expect(JSON.stringify(scene)).not.toMatch(/NaN|null|undefined/)
  })
})

it('facets, bars, log axes, contours and vectors leave nothing out', () => {
  const more: Plot.PlotOptions[] = [
    { marks: [Plot.barY(points, Plot.groupX({ y: 'mean' }, { x: 'kind', y: 'y', fx: (d) => d.x % 3 }))] },
    { x: { type: 'log', domain: [1, 40] }, marks: [Plot.dot(points, { x: (d) => d.x + 1, y: 'y', symbol: 'kind' })] },
    {
      marks: [Plot.density(points, { x: 'x', y: 'y' }), Plot.frame(), Plot.arrow([0], { x1: 0, y1: 0, x2: 9, y2: 2 })],
    },
    { marks: [Plot.boxX(points, { x: 'y', y: 'kind' }), Plot.text(['two\nlines'], { frameAnchor: 'middle' })] },
    { color: { type: 'linear', scheme: 'viridis' }, marks: [Plot.cell(points, { x: 'x', y: 'kind', fill: 'y' })] },
  ]
  for (const options of more) {
    const scene = sceneOf(options)
    expect(scene.omitted).toBeUndefined()
    expect(scene.marks.length).toBeGreaterThan(10)
  }
})

describe('a picture', () => {
  it('is scaled by its view box; groups move, turn and hand on their looks', () => {
    const scene = svg(
      '<g transform="translate(20,40) rotate(90)" fill="none" stroke="rgb(255,0,0)" stroke-width="4"><circle cx="10" r="6"/><path d="M0,0h10v10H0z" style="stroke: currentColor"/></g>',
    )
    expect(scene).toMatchObject({ width: 100, height: 80 })
    expect(scene.marks[0]).toMatchObject({
      mark: 'circle',
      x: 10,
      y: 25,
      r: 3,
      fill: 'none',
      stroke: '#ff0000',
      width: 2,
    })
    expect(scene.marks[1]).toMatchObject({ d: 'M10,20L10,25L5,25L5,20Z', stroke: PAPER.ink })
  })

  it('sets text where its lines are', () => {
    const [first, second] = texts(
      svg(
        '<text x="20" y="20" font-size="20" text-anchor="end"><tspan>one</tspan><tspan x="20" dy="1em">two</tspan></text>',
      ),
    )
    expect(first).toMatchObject({ text: 'one', x: 10, y: 10, size: 10, anchor: 'end' })
    expect(second).toMatchObject({ text: 'two', x: 10, y: 20 })
  })

  it('says what it cannot hold', () => {
    expect(
      svg('<image href="data:,"/><path d="M0,0L1,1" stroke="red" marker-end="url(#a)" clip-path="url(#b)"/>').omitted,
    ).toEqual(['images', 'clip-path', 'markers of lines'])
  })
})

it('transforms compose, and paths keep their commands', () => {
  expect(readTransform('translate(10,20) scale(2)')).toEqual([2, 0, 0, 2, 10, 20])
  expect(readTransform('rotate(180 5 5)').map(Math.round)).toEqual([-1, 0, -0, -1, 10, 10])
  expect(readTransform('nonsense(1) matrix(1 2)')).toEqual([1, 0, 0, 1, 0, 0])
  const mirror = times([1, 0, 0, 1, 0, 0], [1, 0, 0, -1, 0, 0])
  expect(movedPath('m1 1 2 2a3 3 0 0 1 1 1q1 1 2 2z', mirror)).toBe('M1,-1L3,-3A3,3 0 0 0 4,-4Q5,-5 6,-6Z')
})

it('markup of any kind is read as far as it goes', () => {
  expect(textIn(readMarkup('a<b>c &#60;&amp;&nope; d</i></b>e<br>f<!-- g -->'))).toBe('ac <&&nope; def')
  expect(readMarkup('<a>'.repeat(10_000)).children).toHaveLength(1)
  for (const broken of ['<svg', '</svg>', '<svg><g></svg>', '<svg width="1e99"><path d="M0,0Lx"/></svg>', '<svg/>', ''])
    expect(drawingScene(broken, PAPER).width).toBeGreaterThan(0)
})
