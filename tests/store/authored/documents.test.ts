import { expect, it } from 'vitest'
import { annotate, listAnnotations } from '#main/store/authored/annotations.ts'
import { getDocument, listDocuments, removeDocument, saveDocument } from '#main/store/authored/documents.ts'
import { scratchProject } from '../scratch.ts'

it('a document is kept under its kind and name, and the latest version counts', () => {
  const project = scratchProject()
  saveDocument(project, { kind: 'design', name: 'one', body: { text: 'a f' } })
  const first = saveDocument(project, { kind: 'design', name: 'one', body: { text: 'd f' } })
  saveDocument(project, { kind: 'selection', name: 'one', body: { runs: [1] } })
  expect(listDocuments(project, 'design')).toEqual([first])
  expect(first.body).toEqual({ text: 'd f' })
  removeDocument(project, 'design', 'one')
  expect(() => getDocument(project, 'design', 'one')).toThrow('no design "one"')
  expect(getDocument(project, 'selection', 'one').body).toEqual({ runs: [1] })
})

it('tags and a note belong to one row of one table', () => {
  const project = scratchProject()
  annotate(project, { subject: 'run', subjectId: 3, tags: ['x'], note: '' })
  annotate(project, { subject: 'study', subjectId: 3, tags: [], note: 'other' })
  annotate(project, { subject: 'run', subjectId: 3, tags: ['y', 'z'], note: 'good' })
  expect(listAnnotations(project).map(({ subject, tags, note }) => [subject, tags, note])).toEqual([
    ['run', ['y', 'z'], 'good'],
    ['study', [], 'other'],
  ])
  expect(() => annotate(project, { subject: 'run', subjectId: 1, tags: 'x' as never, note: '' })).toThrow('tags')
})
