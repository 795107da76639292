// The repository's files and their sizes, for the size report and the structure test.

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from './commands.ts'

const CODE = /\.(ts|js|mjs|cjs|svelte|css|html|cu|cuh|c|h|sh)$/
const GENERATED = /^(resources|tests\/golden\/vectors)\/|\/fixtures\//
const UNTRACKED = new Set(['.git', 'node_modules', 'out', 'dist', 'coverage', 'projects', 'tmp'])

/** Paths of all files that are or would be committed, from the repository's root with forward slashes, sorted. */
export function repositoryFiles(): string[] {
  return [...new Set(listedByGit() ?? walk(''))].filter((path) => path !== '' && existsSync(join(root, path))).sort()
}

function listedByGit(): string[] | undefined {
  // the folder above could be a repository of its own, which knows nothing of these files
  if (!existsSync(join(root, '.git'))) return undefined
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const { status, stdout } = spawnSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 })
  return status === 0 ? stdout.split('\0') : undefined
}

function walk(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) return UNTRACKED.has(entry.name) ? [] : walk(path)
    return entry.isFile() ? [path] : []
  })
}

/** Whether a file is code written by hand: counted in the size budget. */
export function isHandWritten(path: string): boolean {
  return CODE.test(path) && !GENERATED.test(path)
}

export interface FileSize {
  readonly path: string
  readonly folder: string
  readonly lines: number
}

/** The hand-written files with their numbers of lines. */
export function fileSizes(): FileSize[] {
  return repositoryFiles()
    .filter(isHandWritten)
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8')
      return { path, folder: dirname(path), lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0) }
    })
}

export interface Summary {
  readonly files: number
  readonly lines: number
  readonly median: number
  readonly p90: number
  readonly max: number
}

/** Sums and percentiles (nearest rank) of the lines of some files. */
export function summarize(sizes: readonly FileSize[]): Summary {
  const lines = sizes.map((size) => size.lines).sort((a, b) => a - b)
  const rank = (share: number): number => lines[Math.max(0, Math.ceil(share * lines.length) - 1)] ?? 0
  const total = lines.reduce((sum, count) => sum + count, 0)
  return { files: lines.length, lines: total, median: rank(0.5), p90: rank(0.9), max: rank(1) }
}
