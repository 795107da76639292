// Parquet files: one column of strings is the text. Rows are read in portions of a row group, so that memory holds one
// compressed column chunk and one portion of its rows.

import { open, type FileHandle } from 'node:fs/promises'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import {
  parquetMetadataAsync,
  parquetRead,
  parquetSchema,
  snappyUncompress,
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
} from 'hyparquet'
import { HeddleError } from '#core/errors.ts'
import { checkCancelled, fileError, type CorpusFile, type ReadContext } from './files.ts'
import { corpusError, LONGEST_DOCUMENT, nameList, type CorpusDocument, type SourceReader } from './source.ts'

const PORTION_BYTES = 32 * 2 ** 20
const LARGEST_CHUNK = 2 ** 30
const LARGEST_FOOTER = 256 * 2 ** 20

export const parquetReader: SourceReader = {
  extensions: ['.parquet'],
  options: ['field'],
  async *documents(files, { field = 'text' }, context) {
    for (const file of files) yield* fileDocuments(file, field, context)
  },
}

async function* fileDocuments(file: CorpusFile, field: string, context: ReadContext): AsyncGenerator<CorpusDocument> {
  const handle = await open(file.path).catch((error: unknown) => {
    throw fileError(error, file.path)
  })
  try {
    const buffer = rangeReader(handle, file.size)
    const metadata = await guard(file, () => readFooter(buffer))
    const groups = await guard(file, async () => rowGroups(metadata, field, file))
    const totalRows = groups.reduce((sum, { rows }) => sum + rows, 0)
    let groupStart = 0
    let read = 0
    for (const { rows, uncompressed } of groups) {
      const portion = Math.max(1, Math.ceil((rows * PORTION_BYTES) / Math.max(1, uncompressed)))
      for (let start = 0; start < rows; start += portion) {
        checkCancelled(context.signal)
        const rowStart = groupStart + start
        const rowEnd = groupStart + Math.min(rows, start + portion)
        const values = await guard(file, () => readRows(buffer, metadata, field, rowStart, rowEnd))
        for (const [i, value] of values.entries()) {
          if (typeof value === 'string') yield { id: `${file.name}[${rowStart + i}]`, content: value }
          else if (value !== null && value !== undefined)
            throw corpusError(`row ${rowStart + i}: the column ${JSON.stringify(field)} holds no text`, file.path)
        }
        // the text is a part of the file: progress counts its share of the rows
        const done = Math.floor((file.size * rowEnd) / totalRows)
        context.onRead?.(done - read)
        read = done
      }
      groupStart += rows
      buffer.forget()
    }
    context.onRead?.(file.size - read)
  } finally {
    await handle.close()
  }
}

/** Runs a call of the Parquet library, whose errors mean that the file is not what it should be. */
async function guard<T>(file: CorpusFile, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof HeddleError) throw error
    const message = error instanceof Error ? error.message : String(error)
    throw corpusError(
      `the Parquet file cannot be read: ${message.slice(0, 200)}`,
      file.path,
      'it may be truncated or damaged',
    )
  }
}

async function readFooter(buffer: AsyncBuffer): Promise<FileMetaData> {
  if (buffer.byteLength < 12) throw new Error(`${buffer.byteLength} bytes are too few`)
  const length = new DataView(await buffer.slice(buffer.byteLength - 8, buffer.byteLength)).getUint32(0, true)
  if (length > Math.min(LARGEST_FOOTER, buffer.byteLength - 12)) throw new Error(`its footer claims ${length} bytes`)
  return parquetMetadataAsync(buffer, { geoparquet: false })
}

interface RowGroup {
  readonly rows: number
  /** Bytes of the column's decompressed pages, by the footer. */
  readonly uncompressed: number
}

/** Checks the column and gives the row groups. */
function rowGroups(metadata: FileMetaData, field: string, file: CorpusFile): RowGroup[] {
  checkColumn(metadata, field, file)
  return metadata.row_groups.map((group, number) => {
    const chunk = group.columns.find((column) => column.meta_data?.path_in_schema[0] === field)?.meta_data
    const rows = Number(group.num_rows)
    const compressed = Number(chunk?.total_compressed_size)
    const uncompressed = Number(chunk?.total_uncompressed_size)
    if (!(compressed >= 0 && uncompressed >= 0 && rows >= 0)) throw new Error(`row group ${number} has no sizes`)
    if (compressed <= LARGEST_CHUNK) return { rows, uncompressed }
    const message = `row group ${number} has a column chunk of ${compressed} bytes; the limit is ${LARGEST_CHUNK}`
    throw corpusError(message, file.path, 'write the file with smaller row groups')
  })
}

function checkColumn(metadata: FileMetaData, field: string, file: CorpusFile): void {
  const { children } = parquetSchema(metadata)
  const isText = (child: (typeof children)[number]): boolean =>
    child.children.length === 0 && child.element.type === 'BYTE_ARRAY' && child.element.repetition_type !== 'REPEATED'
  const column = children.find((child) => child.element.name === field)
  const name = JSON.stringify(field)
  if (!column) {
    const all = nameList(children.map((child) => child.element.name))
    throw corpusError(
      `the file has no column ${name}; its columns: ${all}`,
      file.path,
      'name the column that holds the text',
    )
  }
  if (isText(column)) return
  const texts = nameList(children.filter(isText).map((child) => child.element.name))
  throw corpusError(
    `the column ${name} does not hold text (${column.element.type ?? 'nested'}); columns that do: ${texts}`,
    file.path,
  )
}

async function readRows(
  file: AsyncBuffer,
  metadata: FileMetaData,
  column: string,
  rowStart: number,
  rowEnd: number,
): Promise<unknown[]> {
  let rows: unknown[][] = []
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const stringFromBytes = (bytes: Uint8Array | undefined): string | undefined => bytes && decoder.decode(bytes)
  await parquetRead({
    file,
    metadata,
    columns: [column],
    rowStart,
    rowEnd,
    compressors,
    parsers: { stringFromBytes },
    onComplete: (found) => (rows = found),
  })
  if (rows.length !== rowEnd - rowStart) throw new Error(`rows ${rowStart} to ${rowEnd} are missing`)
  // a column of bytes without annotation arrives as bytes
  return rows.map(([value]) => (value instanceof Uint8Array ? decoder.decode(value) : value))
}

function bounded(
  decompress: (input: Uint8Array, size: number) => Uint8Array,
): (input: Uint8Array, size: number) => Uint8Array {
  return (input, size) => {
    if (!(size >= 0 && size <= 4 * LONGEST_DOCUMENT)) throw new Error(`a page claims ${size} bytes`)
    return decompress(input, size)
  }
}

const zlibOptions = (size: number) => ({ maxOutputLength: Math.max(1, size) })

const compressors: Compressors = {
  SNAPPY: bounded((input, size) => {
    const output = new Uint8Array(size)
    snappyUncompress(input, output)
    return output
  }),
  GZIP: bounded((input, size) => gunzipSync(input, zlibOptions(size))),
  BROTLI: bounded((input, size) => brotliDecompressSync(input, zlibOptions(size))),
  ZSTD: bounded((input, size) => zstdDecompressSync(input, zlibOptions(size))),
}

interface RangeReader extends AsyncBuffer {
  /** Drops the chunk that is kept. */
  forget(): void
}

/** A file for the Parquet library: refuses ranges outside it, and keeps the last large range, which portions share. */
function rangeReader(handle: FileHandle, byteLength: number): RangeReader {
  let kept: { readonly start: number; readonly end: number; readonly data: Promise<ArrayBuffer> } | undefined
  const read = async (start: number, end: number): Promise<ArrayBuffer> => {
    const data = new ArrayBuffer(end - start)
    let filled = 0
    while (filled < data.byteLength) {
      const { bytesRead } = await handle.read(new Uint8Array(data), filled, data.byteLength - filled, start + filled)
      if (bytesRead === 0) throw new Error('the file became shorter while it was read')
      filled += bytesRead
    }
    return data
  }
  return {
    byteLength,
    slice(start, end = byteLength) {
      if (!(start >= 0 && start <= end && end <= byteLength))
        throw new Error(`it refers to bytes ${start} to ${end} of ${byteLength}`)
      if (kept && start === kept.start && end === kept.end) return kept.data
      kept = { start, end, data: read(start, end) }
      return kept.data
    },
    forget: () => (kept = undefined),
  }
}
