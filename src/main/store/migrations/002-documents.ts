// Version 2: what people write beside the facts. Designs and saved selections are documents; tags and notes hang on a subject.

import type { Migration } from './index.ts'

export const documents: Migration = {
  version: 2,
  name: 'documents',
  sql: `
CREATE TABLE documents (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  body TEXT NOT NULL CHECK (json_valid(body)),
  createdAt INTEGER NOT NULL,
  updatedAt INTEGER NOT NULL,
  UNIQUE (kind, name)
) STRICT;

CREATE TABLE annotations (
  id INTEGER PRIMARY KEY,
  subject TEXT NOT NULL,
  subjectId INTEGER NOT NULL,
  tags TEXT NOT NULL CHECK (json_valid(tags)),
  note TEXT NOT NULL,
  updatedAt INTEGER NOT NULL,
  UNIQUE (subject, subjectId)
) STRICT;
`,
}
