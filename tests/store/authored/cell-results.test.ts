import { expect, it } from 'vitest'
import { addCellResult, findCellResults, latestCellResults } from '#main/store/authored/cell-results.ts'
import { scratchProject } from '../scratch.ts'

const hash = (letter: string): string => letter.repeat(64)

it('results are found by their hash, and the last one by its cell', () => {
  const project = scratchProject()
  const first = addCellResult(project, {
    hash: hash('a'),
    notebook: 'log',
    cell: 't',
    kind: 'train',
    result: { runs: [1] },
  })
  const second = addCellResult(project, {
    hash: hash('b'),
    notebook: 'log',
    cell: 't',
    kind: 'train',
    result: { runs: [2] },
  })
  addCellResult(project, { hash: hash('c'), notebook: 'other', cell: 't', kind: 'train', result: {} })
  const again = addCellResult(project, {
    hash: hash('a'),
    notebook: 'copy',
    cell: 't',
    kind: 'train',
    result: { runs: [3] },
  })
  expect(findCellResults(project, [hash('a'), hash('b'), hash('d')])).toEqual([again, second])
  expect(latestCellResults(project, 'log')).toEqual([second])
  expect(first.id).toBe(1)
})

it('results are never changed', () => {
  const project = scratchProject()
  addCellResult(project, { hash: hash('a'), notebook: 'log', cell: 't', kind: 'train', result: {} })
  expect(() => project.sql.run("UPDATE cell_results SET result = '{}'")).toThrow('append-only')
  expect(() => project.sql.run('DELETE FROM cell_results')).toThrow('append-only')
})
