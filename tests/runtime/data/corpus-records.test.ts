import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { describe, expect, it } from 'vitest'
import { openCorpus, type CorpusSource } from '#main/runtime/data/corpus.ts'
import { collect, errorOf, put, temporaryFolder } from './folder.ts'

const folder = temporaryFolder()

const readError = (from: string | CorpusSource) => errorOf(async () => collect(await openCorpus(from)))

describe('JSON lines', () => {
  it('reads the field of each line', async () => {
    const path = put(
      folder,
      'a.jsonl',
      '{"text":"one\\n1","id":1}\r\n\n  \n{"id":2,"text":"zwei 😀"}\n{"text":null}\n{"text":""}\n{"text":"last"}',
    )
    expect((await collect(await openCorpus(path))).map(({ id, content }) => [id, content])).toEqual([
      ['a.jsonl:1', 'one\n1'],
      ['a.jsonl:4', 'zwei 😀'],
      ['a.jsonl:7', 'last'],
    ])
    const other = put(folder, 'b.jsonl', '{"body":"b","text":"t"}\n')
    expect((await collect(await openCorpus({ path: other, field: 'body' })))[0]!.content).toBe('b')
  })

  it('reads lines longer than a block, and lines across blocks', async () => {
    const texts = Array.from({ length: 40 }, (_, i) => `${i} `.repeat(i === 20 ? 300_000 : 9_000))
    const path = put(folder, 'wide.jsonl', texts.map((text) => JSON.stringify({ text })).join('\n'))
    expect((await collect(await openCorpus(path))).map(({ content }) => content)).toEqual(texts)
  })

  it('makes halves of surrogate pairs into text that UTF-8 can hold', async () => {
    const path = put(folder, 'half.jsonl', '{"text":"a\\ud800b"}')
    expect((await collect(await openCorpus(path)))[0]!.content).toBe('a\ufffdb')
  })

  it.each([
    ['is not JSON', '{"text":"a"}\n{"text":', 'line 2 is not JSON'],
    ['holds a list', '[1]', 'line 1 holds no JSON object'],
    ['holds a number', '7', 'line 1 holds no JSON object'],
    ['lacks the field', '{"body":"x","title":"y"}', 'has no field "text"; its fields: "body", "title"'],
    ['inherits the field only', '{"__proto__":{"text":"x"}}', 'has no field "text"'],
    ['has a number in the field', '{"text":1,"body":"x"}', 'the field "text" is not a string; fields that are: "body"'],
    ['is a list over lines', '[\n{"text":"a"}\n]', 'line 1 is not JSON'],
    ['holds a NUL byte', '{"text":"a"}\n\0', 'line 2 is not text'],
  ])('names a line that %s', async (name, content, message) => {
    const path = put(folder, `${name}.jsonl`, content)
    const error = await readError(path)
    expect(error.code).toBe('corpus-invalid')
    expect(error.message).toContain(message)
    expect(error.path).toMatch(/\.jsonl:\d+$/)
  })

  it('names a line that is not UTF-8', async () => {
    const path = put(
      folder,
      'latin.jsonl',
      Buffer.concat([Buffer.from('{"text":"a"}\n{"text":"'), Buffer.from([0xfc, 0x22, 0x7d])]),
    )
    expect((await readError(path)).message).toContain('line 2 is not UTF-8')
  })

  it('names a line of more than 64 MiB without loading it whole', async () => {
    const path = put(folder, 'huge.jsonl', '{"text":"small"}\n')
    writeFileSync(path, Buffer.alloc(66 * 2 ** 20, 'x'), { flag: 'a' })
    expect((await readError(path)).message).toBe('line 2 is longer than 64 MiB')
  })
})

const rows = Array.from({ length: 2500 }, (_, i) => (i % 7 === 3 ? null : `row ${i} ${'wörd '.repeat(i % 50)}`))
const present = rows.flatMap((row, i) => (row === null ? [] : [[`x.parquet[${i}]`, row]]))
const numbers = rows.map((_, i) => i)

type WriteOptions = Omit<Parameters<typeof parquetWriteBuffer>[0], 'columnData'>

function parquet(options: WriteOptions = {}): Uint8Array {
  const columnData = [
    { name: 'number', data: numbers, type: 'INT32' as const },
    { name: 'body', data: rows, type: 'STRING' as const },
  ]
  return new Uint8Array(parquetWriteBuffer({ columnData, ...options }))
}

describe('Parquet', () => {
  const gzip = (input: Uint8Array): Uint8Array => gzipSync(input)
  const zstd = (input: Uint8Array): Uint8Array => zstdCompressSync(input)
  const brotli = (input: Uint8Array): Uint8Array => brotliCompressSync(input)
  it.each([
    ['as the writer likes', {}],
    ['uncompressed', { codec: 'UNCOMPRESSED' }],
    ['in small row groups and pages', { rowGroupSize: 300, pageSize: 500 }],
    ['with gzip', { codec: 'GZIP', compressors: { GZIP: gzip } }],
    ['with zstd', { codec: 'ZSTD', compressors: { ZSTD: zstd } }],
    ['with brotli', { codec: 'BROTLI', compressors: { BROTLI: brotli } }],
  ] as [string, WriteOptions][])('reads a column written %s', async (name, options) => {
    const path = put(folder, `${name}/x.parquet`, parquet(options))
    const corpus = await openCorpus({ path, field: 'body' })
    let bytes = 0
    const documents = await collect(corpus.documents({ onRead: (more) => (bytes += more) }))
    expect(documents.map(({ id, content }) => [id, content])).toEqual(present)
    expect(bytes).toBe(corpus.totalBytes)
  })

  it('reads a row group in portions', async () => {
    // 96 MiB of text in one row group: three portions
    const data = Array.from({ length: 96 }, (_, i) => String.fromCharCode(33 + (i % 90)).repeat(2 ** 20))
    const buffer = parquetWriteBuffer({ columnData: [{ name: 'text', data, type: 'STRING' }], rowGroupSize: 1000 })
    const path = put(folder, 'portions.parquet', new Uint8Array(buffer))
    let number = 0
    for await (const { content } of await openCorpus(path)) expect(content === data[number++]).toBe(true)
    expect(number).toBe(96)
  })

  it('names a column that is missing or holds no text', async () => {
    const path = put(folder, 'columns.parquet', parquet())
    const missing = await readError(path)
    expect(missing).toMatchObject({ code: 'corpus-invalid', path })
    expect(missing.message).toBe('the file has no column "text"; its columns: "number", "body"')
    const wrong = await readError({ path, field: 'number' })
    expect(wrong.message).toBe('the column "number" does not hold text (INT32); columns that do: "body"')
  })

  it('refuses bytes that are not UTF-8', async () => {
    const data = [Uint8Array.of(0x66, 0xfc, 0x72)]
    const buffer = parquetWriteBuffer({ columnData: [{ name: 'text', data, type: 'BYTE_ARRAY' }] })
    expect((await readError(put(folder, 'latin.parquet', new Uint8Array(buffer)))).code).toBe('corpus-invalid')
  })

  it('refuses a file that is truncated anywhere', async () => {
    const whole = parquet({ rowGroupSize: 500 })
    for (const length of [1, 4, 11, 12, 100, whole.length >> 1, whole.length - 1]) {
      const error = await readError({ path: put(folder, 'cut.parquet', whole.subarray(0, length)), field: 'body' })
      expect(error).toMatchObject({ code: 'corpus-invalid', path: join(folder, 'cut.parquet') })
    }
  })

  it('survives damage: a changed byte gives other text or a HeddleError, nothing else', async () => {
    const whole = parquet({ rowGroupSize: 1000, codec: 'UNCOMPRESSED' })
    for (let i = 0; i < 150; i++) {
      const damaged = Uint8Array.from(whole)
      // the footer and the page headers, where the lies are worst, and places in between
      const at = i < 100 ? whole.length - 9 - i * 7 : (i * 7919) % whole.length
      damaged[at] = damaged[at]! ^ (1 << (i % 8))
      const path = put(folder, 'damaged.parquet', damaged)
      try {
        await collect(await openCorpus({ path, field: 'body' }))
      } catch (error) {
        expect(error).toMatchObject({ name: 'HeddleError', code: 'corpus-invalid' })
      }
    }
  })

  it('refuses a codec it cannot read', async () => {
    const lz4 = (input: Uint8Array): Uint8Array => input
    const path = put(folder, 'lz4.parquet', parquet({ codec: 'LZ4', compressors: { LZ4: lz4 } }))
    expect((await readError({ path, field: 'body' })).message).toContain('LZ4')
  })
})

describe('raw tokens', () => {
  const ids = Array.from({ length: 5000 }, (_, i) => (i % 100 === 99 ? 50_256 : (i * 37) % 50_000))

  it.each(['uint16', 'uint32'] as const)('reads %s in documents of equal length', async (dtype) => {
    const raw = dtype === 'uint16' ? Uint16Array.from(ids) : Uint32Array.from(ids)
    const path = put(folder, `${dtype}.bin`, new Uint8Array(raw.buffer))
    const documents = await collect(await openCorpus({ path, dtype }))
    expect(documents.flatMap(({ content }) => [...(content as Uint32Array)])).toEqual(ids)
    expect(documents.length).toBeGreaterThanOrEqual(60)
  })

  it('ends documents at the end-of-document id', async () => {
    const path = put(folder, 'ends.bin', new Uint8Array(Uint16Array.from(ids).buffer))
    const documents = await collect(await openCorpus({ path, endOfDocument: 50_256 }))
    expect(documents.length).toBe(50)
    expect(documents.map(({ content }) => content.length)).toEqual(Array(50).fill(99))
    expect(documents[1]!.id).toBe('ends.bin[100]')
  })

  it('reads tokens that lie across two blocks of the file', async () => {
    const many = Uint32Array.from({ length: 200_003 }, (_, i) => i)
    const path = put(folder, 'across.bin', new Uint8Array(many.buffer))
    const documents = await collect(await openCorpus({ path, dtype: 'uint32' }))
    expect(documents.flatMap(({ content }) => [...(content as Uint32Array)])).toEqual([...many])
  })

  it('refuses a length that is no number of tokens, and ids outside the vocabulary', async () => {
    const odd = put(folder, 'odd.bin', Uint8Array.of(1, 0, 2))
    expect((await readError(odd)).message).toContain('3 bytes, which is no multiple of the 2 bytes')
    const short = put(folder, 'short.bin', Uint8Array.of(1, 0, 2, 0, 3, 0))
    expect((await readError({ path: short, dtype: 'uint32' })).message).toContain('no multiple of the 4 bytes')
    const path = put(folder, 'large.bin', new Uint8Array(Uint16Array.from(ids).buffer))
    const error = await readError({ path, vocabSize: 50_256 })
    expect(error).toMatchObject({ code: 'corpus-invalid', path })
    expect(error.message).toBe('token 99 is 50256, but the vocabulary has 50256 entries')
    expect(readFileSync(path).length).toBe(10_000)
  })
})
