// What a paper that uses a stack should cite: the papers that its blocks name in their texts, the method, and the program.

import { blocks } from '../../blocks/index.ts'
import type { Block } from '../../blocks/index.ts'
import type { ResolvedSpec } from '../../model/spec.ts'
import { PAPERS } from './papers.ts'
import type { Paper } from './papers.ts'

/** The latency-optimal design of hybrid models, and the search that it uses. */
const METHOD = ['2511.18890', '1802.01548']
/** AdamW and its schedule: every training here. */
const TRAINING = ['1711.05101', '1608.03983']
const META_TOKENS = '2411.13676'

const idsIn = (text: string): string[] => [...text.matchAll(/arXiv (\d{4}\.\d{5})/g)].map((match) => match[1]!)

/** arXiv numbers that a block names for what it computes. */
export const papersOfBlock = ({ doc }: Pick<Block, 'doc'>): readonly string[] => idsIn(doc)

/** arXiv numbers for some stacks, each once, ascending; without stacks those of every block of the registry. */
export function papersOf(specs: readonly ResolvedSpec[] = []): readonly string[] {
  const used = specs.length === 0 ? blocks : specs.flatMap((spec) => spec.blocks.map(({ block }) => block))
  const hasMeta = specs.some(({ settings }) => settings.metaTokens > 0)
  return [
    ...new Set([...used.flatMap(papersOfBlock), ...METHOD, ...TRAINING, ...(hasMeta ? [META_TOKENS] : [])]),
  ].sort()
}

/** BibTeX for arXiv numbers; of a paper that is not known the number alone is given. */
export function bibtexOf(ids: readonly string[], version: string): string {
  const known = new Map(PAPERS.map((paper) => [paper.arxiv, paper]))
  return [program(version), ...ids.map((id) => entry(id, known.get(id)))].join('\n')
}

const program = (version: string): string =>
  // styles of BibTeX know no software
  record('misc', 'heddle', {
    title: '{Heddle}: a visual research workbench for latency-optimal hybrid small language models',
    author: '{The Heddle authors}',
    version,
    note: `Software, version ${version}`,
    year: '2026',
  })

function entry(id: string, paper: Paper | undefined): string {
  const key =
    paper === undefined ? `arxiv${id.replace('.', '')}` : `${paper.author[0].toLowerCase()}${yearOf(id)}-${id}`
  return record('misc', key, {
    ...(paper !== undefined && {
      title: `{${paper.title.replace(/"([^"]*)"/g, "``$1''")}}`,
      author: `${paper.author[0]}, ${paper.author[1]}${paper.hasOthers === false ? '' : ' and others'}`,
    }),
    year: yearOf(id),
    eprint: id,
    archivePrefix: 'arXiv',
  })
}

/** An arXiv number begins with the year and month of the first version. */
const yearOf = (id: string): string => `20${id.slice(0, 2)}`

function record(type: string, key: string, fields: Readonly<Record<string, string>>): string {
  const lines = Object.entries(fields).map(([name, value]) => `  ${name} = {${value}},`)
  return [`@${type}{${key},`, ...lines, '}', ''].join('\n')
}
