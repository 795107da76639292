import { copyFileSync } from 'node:fs'
import { checkProject } from '#main/store/check.ts'
import { listAnnotations, annotate, SUBJECTS } from '#main/store/authored/annotations.ts'
import { DOCUMENT_KINDS, listDocuments, removeDocument, saveDocument } from '#main/store/authored/documents.ts'
import { listDevices, listEnvironments } from '#main/store/environments.ts'
import { call } from './door.ts'
import { applyTemplate, templates } from './templates.ts'
import { integer, listOf, note, object, optional, text, word } from './readers.ts'

/** Whether a project is opened for reading only. */
const access = optional(word(['write', 'read']))

export const projects = {
  /** Projects of the library, the last used first. */
  library: call({}, ({ library, pickFile }) => ({
    root: library.root,
    canPick: pickFile !== undefined,
    entries: library.list(),
    templates: templates.map(({ id, title, doc }) => ({ id, title, doc })),
  })),
  /** The open project, or null. */
  current: call({}, (context) => context.current()),
  /** Makes a project in the library, with the designs of a template, and opens it. */
  create: call({ name: text(100), template: optional(word(templates.map((t) => t.id))) }, (context, args) => {
    const template = templates.find((t) => t.id === args.template)
    context.open(context.library.pathOf(args.name), { create: true })
    if (template !== undefined) applyTemplate(context.writable(), template)
    return context.current()
  }),
  /** Opens a project of the library. */
  open: call({ path: text(4096), access }, (context, { path, access: wanted }) =>
    context.open(context.library.resolve(path), { readonly: wanted === 'read' }),
  ),
  /** Asks for a file in a dialog and opens it; null when nothing was picked. */
  pick: call({ access }, async (context, { access: wanted }) => {
    const path = await context.pickFile?.()
    if (path === undefined) return null
    context.library.allow(path)
    return context.open(context.library.resolve(path), { readonly: wanted === 'read' })
  }),
  /** Closes the project; its jobs must have ended. */
  close: call({}, (context) => context.closeProject()),
  /** Verifies the file and its blobs. */
  check: call({}, (context) => checkProject(context.project().path)),
  /** Copies the project file under a new name in the library. */
  copy: call({ name: text(100) }, (context, { name }) => {
    const path = context.library.pathOf(name)
    context.project().sql.exec('PRAGMA wal_checkpoint(PASSIVE)')
    copyFileSync(context.project().path, path)
    return { path }
  }),
  /** Where numbers were taken: devices and environments of the project. */
  places: call({}, (context) => ({
    devices: listDevices(context.project()),
    environments: listEnvironments(context.project()),
  })),
}

/** Designs and selections: what people make and name. */
export const documents = {
  list: call({ kind: word(DOCUMENT_KINDS) }, (context, { kind }) => listDocuments(context.project(), kind)),
  save: call({ kind: word(DOCUMENT_KINDS), name: text(), body: object }, (context, document) => {
    const row = saveDocument(context.writable(), document)
    context.emit({ type: 'changed', table: 'documents' })
    return row
  }),
  remove: call({ kind: word(DOCUMENT_KINDS), name: text() }, (context, { kind, name }) => {
    removeDocument(context.writable(), kind, name)
    context.emit({ type: 'changed', table: 'documents' })
  }),
}

/** Tags and notes on rows. */
export const annotations = {
  list: call({}, (context) => listAnnotations(context.project())),
  set: call({ subject: word(SUBJECTS), subjectId: integer(1), tags: listOf(text(60), 50), note }, (context, about) => {
    annotate(context.writable(), about)
    context.emit({ type: 'changed', table: 'annotations' })
  }),
}
