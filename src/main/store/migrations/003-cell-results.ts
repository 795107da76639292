// Version 3: what cells of notebooks gave, under the hash of what they computed. A notebook holds no results; it finds them here.

import type { Migration } from './index.ts'

export const cellResults: Migration = {
  version: 3,
  name: 'cell results',
  sql: `
CREATE TABLE cell_results (
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL,
  notebook TEXT NOT NULL,
  cell TEXT NOT NULL,
  kind TEXT NOT NULL,
  result TEXT NOT NULL CHECK (json_valid(result)),
  createdAt INTEGER NOT NULL
) STRICT;
CREATE INDEX cell_results_by_hash ON cell_results (hash);
CREATE INDEX cell_results_by_cell ON cell_results (notebook, cell);
CREATE TRIGGER cell_results_no_update BEFORE UPDATE ON cell_results
BEGIN SELECT RAISE(ABORT, 'cell_results is append-only'); END;
CREATE TRIGGER cell_results_no_delete BEFORE DELETE ON cell_results
BEGIN SELECT RAISE(ABORT, 'cell_results is append-only'); END;
`,
}
