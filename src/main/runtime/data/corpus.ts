// Opens a corpus: a demo, text, JSON lines, Parquet or raw tokens, in a file or a folder, as a stream of documents.

import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { demoFolder, demoReader } from './sources/demo.ts'
import { checkCancelled, listFiles, type CorpusFile, type ReadContext } from './sources/files.ts'
import { jsonlReader } from './sources/jsonl.ts'
import { parquetReader } from './sources/parquet.ts'
import {
  corpusError,
  type CorpusDocument,
  type CorpusSource,
  type SourceKind,
  type SourceReader,
} from './sources/source.ts'
import { textReader } from './sources/text.ts'
import { tokensReader } from './sources/tokens.ts'

export type { CorpusDocument, CorpusSource, ReadContext, SourceKind }

const READERS: Readonly<Record<SourceKind, SourceReader>> = {
  demo: demoReader,
  text: textReader,
  jsonl: jsonlReader,
  parquet: parquetReader,
  tokens: tokensReader,
}

/** What a path may end in, by kind. */
export const EXTENSIONS = Object.entries(READERS)
  .filter(([kind]) => kind !== 'demo')
  .map(([kind, { extensions }]) => ({ kind: kind as SourceKind, extensions }))

export interface Corpus extends AsyncIterable<CorpusDocument> {
  readonly kind: SourceKind
  readonly source: CorpusSource
  /** For titles and messages: the path, or `demo`. */
  readonly name: string
  /** Bytes of all files: what `onRead` adds up to. */
  readonly totalBytes: number
  readonly files: readonly CorpusFile[]
  /** SHA-256 of the description and of name, size and modification time of each file. */
  readonly fingerprint: string
  /** Reads from the beginning. Documents without content are left out. */
  documents(context?: ReadContext): AsyncGenerator<CorpusDocument>
}

/**
 * Opens a corpus by its path or description; the text `demo` names the corpus that comes with the program. The kind follows
 * from the extensions when it is not given. Throws `file-missing` or `corpus-invalid`; content is checked as it is read.
 */
export async function openCorpus(from: string | CorpusSource): Promise<Corpus> {
  const source = typeof from === 'string' ? (from === 'demo' ? { kind: 'demo' as const } : { path: from }) : from
  const isDemo = source.kind === 'demo'
  const path = isDemo ? demoFolder() : source.path
  if (!isText(path)) throw corpusError('the corpus has no path', 'path', 'name a file or a folder')
  if (source.extension !== undefined && !isText(source.extension))
    throw corpusError('the extension is no text', 'extension')
  const found = await listFiles(path)
  const isFile = found.length === 1 && resolve(found[0]!.path) === resolve(path)
  const kind = source.kind ?? (isFile ? kindOfFile(path) : kindOfFolder(found, source, path))
  checkSource(kind, source)
  const extensions = source.extension === undefined ? READERS[kind].extensions : [dotted(source.extension)]
  const files = (isFile ? found : found.filter(({ name }) => hasExtension(name, extensions))).filter(
    ({ size }) => size > 0,
  )
  if (files.length === 0) {
    const what = isFile
      ? 'the file is empty'
      : `the folder holds no file with ${extensions.join(', ')} that is not empty`
    throw corpusError(what, path)
  }
  const documents = async function* (context: ReadContext = {}): AsyncGenerator<CorpusDocument> {
    for await (const document of READERS[kind].documents(files, source, context)) {
      checkCancelled(context.signal)
      if (document.content.length > 0) yield document
    }
  }
  return {
    kind,
    source,
    name: isDemo ? 'demo' : path,
    totalBytes: files.reduce((sum, file) => sum + file.size, 0),
    files,
    fingerprint: fingerprint(kind, source, files),
    documents,
    [Symbol.asyncIterator]: () => documents(),
  }
}

function fingerprint(kind: SourceKind, source: CorpusSource, files: readonly CorpusFile[]): string {
  const { path: _path, kind: _kind, ...options } = source
  const hash = createHash('sha256').update(JSON.stringify([kind, Object.entries(options).sort()]))
  // the demo's files are told apart by npm, whose installations differ in times
  const isDemo = kind === 'demo'
  for (const { name, path, size, modifiedMs } of files) {
    hash.update(JSON.stringify(isDemo ? [name, size] : [resolve(path), size, modifiedMs]))
  }
  return hash.digest('hex')
}

function kindOfFile(path: string): SourceKind {
  const known = EXTENSIONS.find(({ extensions }) => hasExtension(path, extensions))
  // text is checked as it is read, so a file of unknown name may try
  if (known || !/\.(gz|zst|bz2|xz|zip|tar|arrow|csv|tsv)$/i.test(path)) return known?.kind ?? 'text'
  const hint = `decompress or convert it: a corpus is ${EXTENSIONS.flatMap(({ extensions }) => extensions).join(', ')}`
  throw corpusError(`files that end in ${path.slice(path.lastIndexOf('.'))} are not read`, path, hint)
}

function kindOfFolder(files: readonly CorpusFile[], { extension }: CorpusSource, path: string): SourceKind {
  if (extension !== undefined) return kindOfFile(`x${dotted(extension)}`)
  const counts = EXTENSIONS.map(({ kind, extensions }) => ({
    kind,
    extensions,
    count: files.filter(({ name }) => hasExtension(name, extensions)).length,
  })).filter(({ count }) => count > 0)
  if (counts.length === 1) return counts[0]!.kind
  const known = EXTENSIONS.flatMap(({ extensions }) => extensions).join(', ')
  if (counts.length === 0)
    throw corpusError(`the folder holds no file with ${known}`, path, 'name the extension of the files')
  const found = counts.map(({ extensions, count }) => `${count} of ${extensions.join(' ')}`).join(', ')
  throw corpusError(
    `the folder holds files of several kinds: ${found}`,
    path,
    'name the extension of the files to read',
  )
}

/** Refuses fields that the kind does not read, and values out of range: a description comes from outside. */
function checkSource(kind: SourceKind, source: CorpusSource): void {
  if (!Object.hasOwn(READERS, kind))
    throw corpusError(
      `there is no kind of corpus ${JSON.stringify(kind)}`,
      'kind',
      `kinds: ${Object.keys(READERS).join(', ')}`,
    )
  const reader = READERS[kind]
  for (const [name, value] of Object.entries(source)) {
    if (value === undefined || ['kind', 'path', 'extension'].includes(name)) continue
    if (!reader.options.includes(name as keyof CorpusSource)) {
      throw corpusError(
        `${name} means nothing to a corpus of kind ${kind}`,
        name,
        `it takes: ${reader.options.join(', ') || 'nothing'}`,
      )
    }
    if (!RULES[name]!(value))
      throw corpusError(`${name} is ${JSON.stringify(value)?.slice(0, 80)}, which is not allowed`, name)
  }
}

const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= 4096
const isId = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32

const RULES: Readonly<Record<string, (value: unknown) => boolean>> = {
  field: isText,
  separator: isText,
  dtype: (value) => value === 'uint16' || value === 'uint32',
  endOfDocument: isId,
  vocabSize: (value) => isId(value) && (value as number) > 0,
}

const dotted = (extension: string): string => (extension.startsWith('.') ? extension : `.${extension}`)

function hasExtension(name: string, extensions: readonly string[]): boolean {
  const lower = name.toLowerCase()
  return extensions.some((extension) => lower.endsWith(extension.toLowerCase()))
}
