import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import { stripCells } from '#core/plots/strip.ts'
import { describeRow } from '../../src/renderer/canvas/describe.ts'
import * as drag from '../../src/renderer/canvas/drag.ts'
import {
  FOOT_HEIGHT,
  HEADER_HEIGHT,
  layoutStack,
  openGap,
  ROW_HEIGHT,
  visiblePart,
} from '../../src/renderer/canvas/layout.ts'
import { readStack, writeBlocks } from '../../src/renderer/canvas/exchange.ts'
import { cellAt, cellsOfRows, rowOfBlock } from '../../src/renderer/canvas/minimap.ts'
import { idOf } from '../../src/renderer/canvas/tree/identity.ts'
import { fromSpecPath, specPath, walk } from '../../src/renderer/canvas/tree/path.ts'
import { arbitrarySpec } from '../helpers/arbitraries.ts'

const read = (text: string) => parseSpecText(text).blocks
const open = () => false

describe('layout of a stack', () => {
  it('stands every item once, without overlap, in reading order', () => {
    fc.assert(
      fc.property(arbitrarySpec, (spec) => {
        const { rows, height, frames, blockCount } = layoutStack(spec.blocks, open)
        const items = [...walk(spec.blocks)]
        expect(rows.map((row) => row.path)).toEqual(items.map(({ path }) => path))
        expect(blockCount).toBe(items.filter(({ item }) => 'kind' in item).length)
        rows.forEach((row, i) => expect(row.y + row.height).toBeLessThanOrEqual(rows[i + 1]?.y ?? height))
        for (const { path, y, height: h } of frames)
          for (const row of rows.filter((r) => path.every((at, i) => r.path[i] === at)))
            expect(row.y >= y && row.y + row.height <= y + h).toBe(true)
      }),
    )
  })

  it('draws a collapsed group as one row and still counts its blocks', () => {
    const items = read('d (f a)x2 m2')
    const shut = idOf(items[1]!)
    const { rows, height } = layoutStack(items, (id) => id === shut)
    expect(rows.map((row) => (row.kind === 'block' ? row.ordinal : 'group'))).toEqual([1, 'group', 4])
    expect(height).toBe(3 * ROW_HEIGHT)
    expect(layoutStack(items, open).height).toBe(4 * ROW_HEIGHT + HEADER_HEIGHT + FOOT_HEIGHT)
  })

  it('shows only what a window touches', () => {
    const { rows } = layoutStack(read('(d f)x1 '.repeat(200)), open)
    const seen = visiblePart(rows, 1000, 1400)
    expect(seen.length).toBeLessThan(20)
    expect(seen.every((row) => row.y <= 1400 && row.y + row.height >= 1000)).toBe(true)
  })

  it('opens room at a gap: rows below move, a bracket around the gap grows', () => {
    const layout = layoutStack(read('d (f a)x2 m2'), open)
    const end = layout.gaps.find(({ parent, index }) => parent.length === 1 && index === 2)!
    const opened = openGap(layout, end, 36)
    expect(opened.frames[0]!.height).toBe(layout.frames[0]!.height + 36)
    expect(opened.rows.at(-1)!.y).toBe(layout.rows.at(-1)!.y + 36)
    expect(opened.rows[3]!.y).toBe(layout.rows[3]!.y)
    const behind = layout.gaps.find(({ parent, index }) => parent.length === 0 && index === 2)!
    expect(openGap(layout, behind, 36).frames[0]!.height).toBe(layout.frames[0]!.height)
  })
})

describe('dragging', () => {
  const layout = layoutStack(read('d (f a)x2 m2'), open)

  it('finds the nearest gap, and none inside what is dragged', () => {
    expect(drag.gapAt(layout, 0, [])).toMatchObject({ parent: [], index: 0 })
    expect(drag.gapAt(layout, ROW_HEIGHT + HEADER_HEIGHT + 2, [])).toMatchObject({ parent: [1], index: 0 })
    expect(drag.gapAt(layout, ROW_HEIGHT + HEADER_HEIGHT + 2, [[1]])).toMatchObject({ parent: [] })
    const foot = ROW_HEIGHT * 3 + HEADER_HEIGHT
    expect(drag.gapAt(layout, foot + 2, [])).toMatchObject({ parent: [1], index: 2 })
    expect(drag.gapAt(layout, foot + FOOT_HEIGHT - 2, [])).toMatchObject({ parent: [], index: 2 })
    expect(drag.gapAt(layoutStack(read('()x2'), open), HEADER_HEIGHT + 10, [])).toMatchObject({ parent: [0], index: 0 })
  })

  it('knows when nothing would move', () => {
    expect(drag.isSamePlace({ parent: [], index: 1, y: 0 }, [[0]])).toBe(true)
    expect(drag.isSamePlace({ parent: [], index: 2, y: 0 }, [[0]])).toBe(false)
    expect(drag.isSamePlace({ parent: [], index: 1, y: 0 }, [[0], [2]])).toBe(false)
  })

  it('scrolls near the edges only, faster further out', () => {
    expect(drag.autoScroll(300, 600, 16)).toBe(0)
    expect(drag.autoScroll(10, 600, 16)).toBeLessThan(0)
    expect(drag.autoScroll(600, 600, 16)).toBeGreaterThan(drag.autoScroll(560, 600, 16))
  })

  it('selects by rectangle and by range', () => {
    const hit = drag.rowsInBox(layout.rows, drag.boxOf(10, 80, -5, 20), 0, 500)
    expect(hit.map((row) => row.path)).toEqual([[0], [1], [1, 0]])
    expect(drag.rowsInBox(layout.rows, drag.boxOf(-20, 0, -5, 100), 0, 500)).toEqual([])
    expect(drag.rangeBetween(layout.rows, [1, 1], [0])).toEqual([[0], [1], [1, 0], [1, 1]])
  })

  it('keeps what is under the pointer while zooming', () => {
    const scroll = drag.zoomScroll(400, 100, 1, 2)
    expect((scroll + 100) / 2).toBe(500)
    expect(drag.clampZoom(9)).toBe(drag.MAX_ZOOM)
    expect(drag.clampZoom(0.99)).toBe(1)
    expect(drag.fitZoom(1200, 600)).toBe(0.5)
  })
})

describe('stacks as text', () => {
  it('are read in each form', () => {
    const spec = parseSpecText('{dModel: 128, name: toy} (d f)x2 a')
    expect(readStack(JSON.stringify(spec))).toMatchObject({ spec, format: 'spec' })
    expect(readStack('{dModel: 128, name: toy} (d f)x2 a')).toMatchObject({ spec, format: 'text' })
    expect(writeBlocks(spec.blocks)).toBe('(d f)x2 a')
    const config = {
      model_type: 'llama',
      hidden_size: 64,
      intermediate_size: 128,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      vocab_size: 100,
      rms_norm_eps: 1e-5,
      hidden_act: 'silu',
      tie_word_embeddings: true,
    }
    expect(readStack(JSON.stringify(config))).toMatchObject({ format: 'config', spec: { model: { dModel: 64 } } })
  })

  it('say what is wrong with them', () => {
    expect(() => readStack('{"heddle": 1,')).toThrow(/cannot be read/)
    expect(() => readStack('d f zz')).toThrow(/unknown block/)
    expect(() => readStack('d'.repeat(1_000_001))).toThrow(/characters/)
  })

  it('carry paths of errors', () => {
    expect(fromSpecPath(`${specPath([3, 0])}.params.window`)).toEqual({ path: [3, 0], rest: 'params.window' })
    expect(fromSpecPath('model.dModel')).toEqual({ path: [], rest: 'model.dModel' })
  })
})

describe('the strip as a map', () => {
  const spec = parseSpecText('{dModel: 128} d (f a)x3 m2')
  const { blocks } = resolveSpec(spec)
  const { rows } = layoutStack(spec.blocks, open)

  it('frames the cells of the rows in sight with all their repeats', () => {
    expect(cellsOfRows(rows, blocks)).toEqual({ start: 0, end: 8 })
    expect(cellsOfRows(rows.slice(3), blocks)).toEqual({ start: 2, end: 8 })
    expect(cellsOfRows([rows[1]!], blocks)).toBeUndefined()
    const shut = layoutStack(spec.blocks, () => true).rows
    expect(cellsOfRows([shut[1]!], blocks)).toEqual({ start: 1, end: 7 })
  })

  it('leads from a cell to its row', () => {
    const cells = stripCells(resolveSpec(spec), 0, 0, { width: 80, height: 10 })
    expect([-5, 0, 25, 79, 500].map((x) => cellAt(cells, x))).toEqual([0, 0, 2, 7, 7])
    expect(rowOfBlock(rows, blocks[6]!)?.path).toEqual([1, 1])
  })

  it('and rows say what they are', () => {
    expect(describeRow(rows[0]!, 4, undefined)).toBe('block 1 of 4')
    expect(describeRow(rows[1]!, 4, undefined)).toBe('repeated 3 times')
  })
})
