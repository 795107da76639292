// `npm run sizes`: per folder the hand-written files, their lines, and median, 90th percentile and longest.

import { fileSizes, summarize, type FileSize } from './files.ts'

const sizes = fileSizes()
const rows: (readonly [string, readonly FileSize[]])[] = [...Map.groupBy(sizes, (size) => size.folder)]
const src = sizes.filter((size) => size.path.startsWith('src/'))
rows.push(['src in all', src], ['all', sizes])

const width = Math.max(...rows.map(([name]) => name.length))
const columns = ['files', 'lines', 'median', 'p90', 'max'] as const
console.log(`${''.padEnd(width)}${columns.map((column) => column.padStart(8)).join('')}`)
for (const [name, group] of rows) {
  const summary = summarize(group)
  console.log(`${name.padEnd(width)}${columns.map((column) => String(summary[column]).padStart(8)).join('')}`)
}
