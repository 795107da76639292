import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HeddleError } from '#core/errors.ts'
import { parseSpec, SPEC_VERSION } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { parseSpecText, printSpecText } from '#core/model/text.ts'
import { arbitrarySpec } from '../../helpers/arbitraries.ts'

/** The error of reading a text. */
function refusal(text: string): HeddleError {
  try {
    parseSpecText(text)
  } catch (error) {
    expect(error).toBeInstanceOf(HeddleError)
    return error as HeddleError
  }
  throw new Error(`${JSON.stringify(text)} was accepted`)
}

const spec = (fields: Partial<ArchSpec>): ArchSpec => ({ heddle: SPEC_VERSION, model: {}, blocks: [], ...fields })

describe('the text of a spec', () => {
  it('reads back as the same spec', () => {
    fc.assert(
      fc.property(arbitrarySpec, (original) => void expect(parseSpecText(printSpecText(original))).toEqual(original)),
      { numRuns: 200 },
    )
  })

  it('is the same however it is spaced', () => {
    fc.assert(
      fc.property(arbitrarySpec, (original) => {
        const text = printSpecText({ ...original, name: 'plain' })
        const spaced = text.replaceAll(' ', ' \n\t ').replaceAll('(', '( ').replaceAll(')', ' )').replaceAll(',', ' ,')
        expect(parseSpecText(spaced)).toEqual({ ...original, name: 'plain' })
      }),
      { numRuns: 50 },
    )
  })

  it.each([
    'none',
    'null',
    'true',
    'false',
    '1',
    '-1e5',
    '',
    ' ',
    'x',
    'two words',
    'a"b\\c',
    '{d: 1}',
    '日本',
    '__proto__',
    'constructor',
  ])('keeps the name %j', (name) => {
    const original = parseSpec(spec({ name, blocks: [{ kind: 'ffn' }] }))
    expect(parseSpecText(printSpecText(original))).toEqual(original)
  })

  it('is what the docs show', () => {
    const parsed = parseSpecText('{dModel: 2048, vocabSize: 32000} early:(d f m2 f)x3 a{window: 512} f !gla')
    expect(parsed).toEqual(
      spec({
        model: { dModel: 2048, vocabSize: 32000 },
        blocks: [
          {
            repeat: 3,
            label: 'early',
            blocks: [{ kind: 'deltanet' }, { kind: 'ffn' }, { kind: 'mamba2' }, { kind: 'ffn' }],
          },
          { kind: 'attention', params: { window: 512 } },
          { kind: 'ffn' },
          { kind: 'gla', disabled: true },
        ],
      }),
    )
    expect(parseSpecText('')).toEqual(spec({}))
    expect(parseSpecText('(a)')).toEqual(spec({ blocks: [{ repeat: 1, blocks: [{ kind: 'attention' }] }] }))
  })

  it.each([
    ['d f q9', '1:5', /unknown block "q9"/],
    ['d f\n  $', '2:3', /unknown block "\$"/],
    ['(d f', '1:5', /expected "\)", got the end/],
    ['d f)x3', '1:4', /unexpected "\)"/],
    ['a{window 512}', '1:10', /expected ":"/],
    ['a{window: }', '1:11', /expected a value/],
    ['a{window: 5 rope: true}', '1:13', /expected "," or "}"/],
    ['a{window: 5', '1:12', /expected "," or "}", got the end/],
    ['a{: 5}', '1:3', /expected a parameter name/],
    ['a{rope: true, rope: false}', '1:19', /given twice/],
    ['a{window: "5}', '1:11', /expected a value/],
    ['{dModel: 64} d\n{x}', '2:3', /expected ":"/],
    [`${'('.repeat(60)}d${')'.repeat(60)}`, '1:34', /too deep/],
  ])('%j is refused at %s', (text, path, message) => {
    const error = refusal(text)
    expect(error.message).toMatch(message)
    if (error.code === 'spec-syntax') expect(error.path).toBe(path)
  })

  it.each([
    ['a{window: 0}', 'blocks[0].params.window', 'param-invalid'],
    ['d (f a{heads: 3})x2', 'blocks[1].blocks[1].params.heads', 'param-invalid'],
    ['{dModel: 1e9} d', 'model.dModel', 'param-invalid'],
    ['{dModel: 64, depth: 3} d', 'model.depth', 'param-invalid'],
    ['(d)x0', 'blocks[0].repeat', 'spec-invalid'],
    ['(d)x99999999999999999999', 'blocks[0].repeat', 'spec-invalid'],
    ['{dModel: 100} d{nHeads: 3}', 'blocks[0].params.expandK', 'spec-invalid'],
  ])('%j is refused with the path %s', (text, path, code) => {
    expect(refusal(text)).toMatchObject({ code, path })
  })

  it('never breaks the reader, whatever is written', () => {
    const word = fc.constantFrom(
      'd',
      'f',
      'm2',
      'a',
      '(',
      ')',
      'x2',
      '{',
      '}',
      ':',
      ',',
      '!',
      'window',
      '5',
      '1e999',
      'none',
      '"',
      '\\',
      'é',
      '__proto__',
      '{dModel:',
      '\n',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(word).map((words) => words.join('')),
        ),
        (text) => {
          try {
            parseSpecText(text)
          } catch (error) {
            expect(error).toBeInstanceOf(HeddleError)
            expect((error as HeddleError).path).toBeTruthy()
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})
