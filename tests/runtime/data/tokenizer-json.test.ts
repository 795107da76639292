import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Tokenizer as HuggingFace } from '@huggingface/tokenizers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openCorpus } from '#main/runtime/data/corpus.ts'
import { resourcesFolder } from '#main/runtime/data/resources.ts'
import { DEFAULT_SPLIT, splitPoint } from '#main/runtime/data/split.ts'
import { loadTokenizer, type Tokenizer } from '#main/runtime/data/tokenizer.ts'
import { trainBytePairs } from '#main/runtime/data/tokenizers/train-bpe.ts'
import { collect, errorOf, put, temporaryFolder } from './folder.ts'

const folder = temporaryFolder()
const sotuPath = join(resourcesFolder(), 'tokenizer', 'sotu-4096.json')
const sotu = JSON.parse(readFileSync(sotuPath, 'utf8')) as TokenizerFile

interface TokenizerFile {
  readonly [part: string]: unknown
  readonly added_tokens: readonly object[]
  readonly model: { readonly merges: readonly string[]; readonly [part: string]: unknown }
}

type Reference = {
  encode(text: string, options: object): { ids: number[] }
  decode(ids: number[], options: object): string
}

const reference = (json: object): Reference =>
  new (HuggingFace as unknown as new (json: object, config: object) => Reference)(json, {})

/** Texts of any characters, and of those at which pre-tokenizers and merges turn. */
const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.string({
    unit: fc.constantFrom(
      ..."  \n\t'strevl dTHEthe019.,!-\u00a0\u2003\u0085\ufeffe\u0301ß中文😀",
      '<|endoftext|>',
      "'ll",
      '\ud800',
    ),
  }),
  fc
    .array(
      fc.constantFrom(' the', ' the019', ' of', 'United', ' States', '\n\n', ' 1865', ' Congress', '’s', "'s", ' '),
    )
    .map((words) => words.join('')),
)

function expectSame(tokenizer: Tokenizer, json: object, runs: number): void {
  const other = reference(json)
  fc.assert(
    fc.property(texts, (text) => {
      const ids = tokenizer.encode(text)
      expect([...ids]).toEqual(other.encode(text, { add_special_tokens: false }).ids)
      if (ids.length > 0)
        expect(tokenizer.decode(ids)).toBe(other.decode([...ids], { clean_up_tokenization_spaces: false }))
    }),
    { numRuns: runs },
  )
}

describe('sotu-4096', () => {
  it('encodes and decodes as @huggingface/tokenizers does', async () => {
    const tokenizer = await loadTokenizer('sotu-4096')
    expect(tokenizer.kind).toBe('byte-level-bpe')
    expectSame(tokenizer, sotu, 2000)
  })

  it('agrees on a whole address, and gives back its text', async () => {
    const tokenizer = await loadTokenizer('sotu-4096')
    const [first] = await collect(await openCorpus('demo'))
    const text = first!.content as string
    const ids = tokenizer.encode(text)
    expect([...ids]).toEqual(reference(sotu).encode(text, { add_special_tokens: false }).ids)
    expect(tokenizer.decode(ids)).toBe(text)
    expect([...ids].reduce((sum, id) => sum + tokenizer.tokenBytes(id), 0)).toBe(Buffer.byteLength(text))
  })

  it('has 4,096 entries with an end-of-document token, in less than 300 kB', async () => {
    const tokenizer = await loadTokenizer('sotu-4096')
    expect(tokenizer.vocabSize).toBe(4096)
    expect(tokenizer.decode([tokenizer.endOfDocument!])).toBe('<|endoftext|>')
    expect(statSync(sotuPath).size).toBeLessThan(300_000)
  })

  it('is what the training script gives: its first merges follow from the training documents of the demo', async () => {
    const documents = await collect(await openCorpus('demo'))
    const trained = documents.filter((document) => splitPoint(DEFAULT_SPLIT.seed, document) >= DEFAULT_SPLIT.heldOut)
    const { model } = trainBytePairs(
      trained.map(({ content }) => content as string),
      257 + 40,
    ) as TokenizerFile
    expect(model.merges.length).toBe(40)
    expect(sotu.model.merges.slice(0, 40)).toEqual(model.merges)
  }, 20_000)
})

describe('trainBytePairs', () => {
  it('merges the most frequent pair first, and the lowest of equals', () => {
    const { model } = trainBytePairs(['abab ab', 'cdcd', 'xyz'], 257 + 3) as TokenizerFile
    // ab stands three times; then (ab, ab), cd and others stand once or twice: cd twice
    expect(model.merges).toEqual(['a b', 'c d'])
  })

  it('stops when no pair is left that occurs twice', () => {
    expect((trainBytePairs(['abc'], 4096) as TokenizerFile).model.merges).toEqual([])
  })
})

/** Forms of byte-level BPE that published models use, each with the merges of sotu-4096. */
const variants: Readonly<Record<string, object>> = {
  'splits digits first': {
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [{ type: 'Digits', individual_digits: true }, sotu.pre_tokenizer],
    },
  },
  'splits by a regular expression of its own': {
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        {
          type: 'Split',
          pattern: {
            Regex:
              "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
          },
          behavior: 'Isolated',
          invert: false,
        },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
  },
  'normalises to NFC': { normalizer: { type: 'NFC' } },
  'writes merges as pairs': { model: { ...sotu.model, merges: sotu.model.merges.map((merge) => merge.split(' ')) } },
  'takes whole words that are tokens': {
    model: { ...sotu.model, ignore_merges: true, merges: sotu.model.merges.toReversed() },
  },
  'has added tokens, one the beginning of another': {
    added_tokens: [
      ...sotu.added_tokens,
      { id: 4096, content: ' the', special: false, normalized: false },
      { id: 4097, content: ' the019', special: false, normalized: true },
      { id: 4098, content: '.', special: true },
    ],
  },
}

describe.each(Object.entries(variants))('a byte-level BPE that %s', (name, parts) => {
  it('runs in our encoder with the same ids', async () => {
    const json = { ...sotu, ...parts }
    const tokenizer = await loadTokenizer(put(folder, `${name}.json`, JSON.stringify(json)))
    expect(tokenizer.kind).toBe('byte-level-bpe')
    expectSame(tokenizer, json, 300)
  })
})

const wordPiece = {
  added_tokens: [
    { id: 0, content: '[UNK]', special: true },
    { id: 6, content: '[SEP]', special: true },
  ],
  normalizer: { type: 'Lowercase' },
  pre_tokenizer: { type: 'Whitespace' },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: false },
  post_processor: null,
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: { '[UNK]': 0, wea: 1, '##ve': 2, cloth: 3, warp: 4, '##s': 5 },
  },
}

const unigram = {
  added_tokens: [
    { id: 0, content: '<unk>', special: true },
    { id: 1, content: '</s>', special: true },
  ],
  normalizer: null,
  pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
  decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
  post_processor: null,
  model: {
    type: 'Unigram',
    unk_id: 0,
    vocab: [
      ['<unk>', 0],
      ['</s>', 0],
      ['▁a', -1],
      ['▁b', -2],
      ['b', -3],
      ['a', -3],
      ['▁', -4],
    ],
  },
}

describe('other tokenizers', () => {
  it('runs WordPiece in @huggingface/tokenizers', async () => {
    const tokenizer = await loadTokenizer(put(folder, 'wordpiece.json', JSON.stringify(wordPiece)))
    expect(tokenizer).toMatchObject({ kind: 'hugging-face', vocabSize: 7, endOfDocument: 6 })
    expect([...tokenizer.encode('Weave cloths, warp')]).toEqual([1, 2, 3, 5, 0, 4])
    expect(tokenizer.decode([1, 2, 3, 5])).toBe('weave cloths')
    expect(tokenizer.decode([1, 2, 99, 4])).toBe('weave\ufffdwarp')
    expect(tokenizer.decode([])).toBe('')
  })

  it('runs Unigram in @huggingface/tokenizers', async () => {
    const tokenizer = await loadTokenizer(put(folder, 'unigram.json', JSON.stringify(unigram)))
    expect(tokenizer).toMatchObject({ kind: 'hugging-face', vocabSize: 7, endOfDocument: 1 })
    expect([...tokenizer.encode('ab b')]).toEqual([2, 4, 3])
    expect([2, 4, 3].map(tokenizer.tokenBytes)).toEqual([2, 1, 2])
  })

  it('takes the end of a document from tokenizer_config.json or from the caller', async () => {
    const path = put(folder, 'model/tokenizer.json', JSON.stringify(wordPiece))
    put(folder, 'model/tokenizer_config.json', '{"eos_token": {"content": "warp"}}')
    expect((await loadTokenizer(join(folder, 'model'))).endOfDocument).toBe(4)
    expect((await loadTokenizer(path, 'cloth')).endOfDocument).toBe(3)
    expect((await errorOf(() => loadTokenizer(path, 'loom'))).message).toContain('no token "loom"')
    put(folder, 'model/tokenizer_config.json', '{broken')
    expect((await loadTokenizer(path)).endOfDocument).toBe(6)
  })

  it('has another fingerprint for another file or another end of document', async () => {
    const path = put(folder, 'print.json', JSON.stringify(wordPiece))
    const first = (await loadTokenizer(path)).fingerprint
    expect((await loadTokenizer(path)).fingerprint).toBe(first)
    expect((await loadTokenizer(path, 'warp')).fingerprint).not.toBe(first)
    put(folder, 'print.json', JSON.stringify({ ...wordPiece, normalizer: null }))
    expect((await loadTokenizer(path)).fingerprint).not.toBe(first)
  })
})

describe('files that are no tokenizers', () => {
  const without = (part: string): string => JSON.stringify({ ...wordPiece, [part]: undefined })
  it.each([
    ['text', 'hello', 'is not JSON'],
    ['a list', '[1]', 'is not an object'],
    ['null', 'null', 'is not an object'],
    ['no model', without('model'), 'no field "model"'],
    ['no vocabulary', JSON.stringify({ ...wordPiece, model: { type: 'BPE' } }), 'no vocabulary'],
    [
      'an empty vocabulary',
      JSON.stringify({ ...wordPiece, model: { type: 'BPE', vocab: {}, merges: [] } }),
      'empty vocabulary',
    ],
    [
      'an id that is text',
      JSON.stringify({ ...wordPiece, model: { ...wordPiece.model, vocab: { a: '1' } } }),
      'the id "1"',
    ],
    ['a negative id', JSON.stringify({ ...wordPiece, model: { ...wordPiece.model, vocab: { a: -1 } } }), 'the id -1'],
    [
      'a huge id',
      JSON.stringify({ ...wordPiece, model: { ...wordPiece.model, vocab: { a: 1e9 } } }),
      'the id 1000000000',
    ],
    [
      'one id twice',
      JSON.stringify({ ...wordPiece, model: { ...wordPiece.model, vocab: { a: 1, b: 1 } } }),
      'id 1 to two',
    ],
    [
      'an added token without id',
      JSON.stringify({ ...wordPiece, added_tokens: [{ content: 'x' }] }),
      'without content or id',
    ],
    ['an unknown model', JSON.stringify({ ...wordPiece, model: { type: 'Loom', vocab: [] } }), 'tokens'],
    ['an unknown normalizer', JSON.stringify({ ...wordPiece, normalizer: { type: 'Loom' } }), 'cannot be run'],
  ])('refuses %s', async (name, content, message) => {
    const path = put(folder, `bad ${name}.json`, content)
    const error = await errorOf(() => loadTokenizer(path))
    expect(error).toMatchObject({ code: 'tokenizer-invalid', path })
    expect(error.message).toContain(message)
  })

  it('says what is missing', async () => {
    expect(await errorOf(() => loadTokenizer(join(folder, 'nothing.json')))).toMatchObject({ code: 'file-missing' })
    expect(await errorOf(() => loadTokenizer(temporaryName()))).toMatchObject({ code: 'file-missing' })
  })

  const temporaryName = (): string => join(put(folder, 'empty/readme.md', ''), '..')
})
