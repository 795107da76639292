import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseNotebook, parsePieces, printNotebook } from '#core/notebook/document.ts'
import { cellPiece, freeId, outlineOf, proseOf, sectionEnd, separated, textOf, withText } from '#core/notebook/edit.ts'

const SAMPLE = [
  '---\nheddle: 1\ntitle: A log\n---\n',
  '# One\n\nText.\n\n```ts\n```heddle:plot id=no\n```\n\n## Two\n',
  '```heddle:stack id=hybrid\n{dModel: 64} d f\n```\n\n',
  '````heddle:plot id=p inputs=hybrid,q fold\nreturn "```"\n```\n````\r\n\r\n',
  'End',
].join('')

const lines = fc.array(
  fc.oneof(
    fc.constantFrom(
      ...[
        '```heddle:train id=a',
        '```',
        '````',
        '~~~',
        '```heddle:stack',
        '   ```heddle:x-1 id=b v=9',
        '```js',
        '`````',
      ],
      ...[
        '# Title',
        '---',
        'heddle: 2',
        '',
        '  ',
        'text ``` more',
        '```heddle:BAD id=1',
        '    ```heddle:indented id=c',
      ],
    ),
    fc.string({ maxLength: 12 }),
  ),
  { maxLength: 30 },
)
const texts = fc
  .tuple(lines, fc.constantFrom('\n', '\r\n'), fc.boolean())
  .map(([all, end, last]) => all.join(end) + (last ? end : ''))

describe('a notebook', () => {
  it('prints as it was read, whatever the text', () => {
    fc.assert(
      fc.property(texts, (text) => void expect(printNotebook(parseNotebook(text))).toBe(text)),
      { numRuns: 3000 },
    )
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => void expect(printNotebook(parseNotebook(text))).toBe(text)),
    )
  })

  it('is prose divided at headings, and cells', () => {
    const { title, version, pieces } = parseNotebook(SAMPLE)
    expect([title, version]).toEqual(['A log', 1])
    expect(
      pieces.map((p) => (p.type === 'cell' ? [p.kind, p.id, p.body, p.attributes] : textOf(p).slice(0, 6))),
    ).toEqual([
      '# One\n',
      '## Two',
      ['stack', 'hybrid', '{dModel: 64} d f\n', {}],
      ['plot', 'p', 'return "```"\n```\n', { inputs: 'hybrid,q', fold: '' }],
      'End',
    ])
  })

  it('keeps a cell whose fence has no end', () => {
    const { pieces } = parseNotebook('```heddle:train id=a\nsteps: 1\n')
    expect(pieces).toMatchObject([{ type: 'cell', isClosed: false, body: 'steps: 1\n' }])
  })

  it('takes no identifiers of another shape', () => {
    for (const id of ['__proto__', '1a', 'a b', '<b>', 'a"b']) {
      const [cell] = parsePieces(`\`\`\`heddle:stack id=${id}\n\`\`\`\n`)
      expect(cell).toMatchObject({ id: id === 'a b' ? 'a' : '' })
    }
  })

  it('of 20 MB is read in time that grows with its length', () => {
    const started = performance.now()
    const text = '```heddle:stack id=a\n' + 'd f '.repeat(50) + '\n```\n\n'
    expect(parseNotebook(text.repeat(90_000)).pieces).toHaveLength(90_000)
    expect(performance.now() - started).toBeLessThan(5000)
  })
})

describe('edits', () => {
  it('of one piece leave the others as they are, and read back', () => {
    fc.assert(
      fc.property(texts, fc.string(), fc.nat(), (text, body, n) => {
        const { head, pieces } = parseNotebook(text)
        const at = pieces.findIndex((p, i) => i >= n % (pieces.length + 1) && p.type === 'cell')
        if (at < 0) return
        const edited = separated(pieces.with(at, withText(pieces[at]!, body)))
        const again = parseNotebook(printNotebook({ head, pieces: edited })).pieces
        // a cell that had no end gets one
        const cell = again.filter((p) => p.type === 'cell')[pieces.slice(0, at).filter((p) => p.type === 'cell').length]
        expect(textOf(cell!)).toBe(textOf(edited[at]!))
      }),
      { numRuns: 1000 },
    )
  })

  it('insert pieces that read back as what they are', () => {
    const { head, pieces } = parseNotebook(SAMPLE)
    const id = freeId(pieces, 'p')
    const next = separated([...pieces, cellPiece('code', id, 'return `\n```\n`'), proseOf('## New')])
    const again = parseNotebook(printNotebook({ head, pieces: next })).pieces
    expect(id).toBe('p-2')
    expect(again.at(-2)).toMatchObject({ kind: 'code', id: 'p-2', body: 'return `\n```\n`\n' })
    expect(textOf(again.at(-1)!)).toBe('## New')
  })

  it('outline headings with their cells', () => {
    const { pieces } = parseNotebook(SAMPLE)
    expect(outlineOf(pieces)).toEqual([
      { index: 0, level: 1, title: 'One' },
      { index: 1, level: 2, title: 'Two' },
      { index: 2, level: 3, title: 'hybrid' },
      { index: 3, level: 3, title: 'p' },
    ])
    expect([sectionEnd(pieces, 0), sectionEnd(pieces, 1), sectionEnd(pieces, 2)]).toEqual([5, 5, 3])
  })
})
