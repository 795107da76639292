// Version 1 of the project file. Times are milliseconds since 1970, hashes are lower-case text, JSON is text,
// samples and curves are little-endian float64.

import type { Migration } from './index.ts'

// measurements, metrics and trials are facts: they are added and never changed
function appendOnly(table: string): string {
  return ['UPDATE', 'DELETE']
    .map(
      (change) => `
CREATE TRIGGER ${table}_no_${change.toLowerCase()} BEFORE ${change} ON ${table}
BEGIN SELECT RAISE(ABORT, '${table} is append-only'); END;`,
    )
    .join('')
}

// a run and a trial go through the same states, one row for each change
function states(table: string, owner: string, columns: string): string {
  return `
CREATE TABLE ${table} (
  id INTEGER PRIMARY KEY,
  ${owner} INTEGER NOT NULL REFERENCES ${owner}s (id),
  state TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'cancelled', 'interrupted')),
  ${columns}
  error TEXT CHECK (json_valid(error)),
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX ${table}_by_${owner} ON ${table} (${owner});
CREATE TRIGGER ${table}_order BEFORE INSERT ON ${table}
BEGIN
  SELECT RAISE(ABORT, 'a ${owner} starts running, ends once, and runs again only after an interruption or a cancellation')
  WHERE coalesce((SELECT state FROM ${table} WHERE ${owner} = NEW.${owner} ORDER BY id DESC LIMIT 1), 'none') || ' ' || NEW.state
    NOT IN ('none running', 'running done', 'running failed', 'running cancelled', 'running interrupted',
      'interrupted running', 'cancelled running', 'interrupted cancelled');
END;
${appendOnly(table)}`
}

export const initial: Migration = {
  version: 1,
  name: 'initial',
  sql: `
CREATE TABLE specs (
  hash TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  text TEXT NOT NULL,
  json TEXT NOT NULL CHECK (json_valid(json)),
  counts TEXT NOT NULL CHECK (json_valid(counts)),
  createdAt INTEGER NOT NULL
) STRICT;
CREATE INDEX specs_by_name ON specs (name);

CREATE TABLE devices (
  id INTEGER PRIMARY KEY,
  target TEXT NOT NULL,
  name TEXT NOT NULL,
  details TEXT NOT NULL CHECK (json_valid(details)),
  createdAt INTEGER NOT NULL,
  UNIQUE (target, name)
) STRICT;

CREATE TABLE environments (
  hash TEXT PRIMARY KEY NOT NULL,
  device INTEGER NOT NULL REFERENCES devices (id),
  details TEXT NOT NULL CHECK (json_valid(details)),
  createdAt INTEGER NOT NULL
) STRICT;

CREATE TABLE measurements (
  id INTEGER PRIMARY KEY,
  spec TEXT NOT NULL REFERENCES specs (hash),
  environment TEXT NOT NULL REFERENCES environments (hash),
  target TEXT NOT NULL,
  phase TEXT NOT NULL,
  dtype TEXT NOT NULL,
  batch INTEGER NOT NULL,
  context INTEGER NOT NULL,
  graphHash TEXT NOT NULL,
  protocolVersion INTEGER NOT NULL,
  p50Ms REAL NOT NULL,
  lowMs REAL NOT NULL,
  highMs REAL NOT NULL,
  iqrMs REAL NOT NULL,
  p95Ms REAL NOT NULL,
  status TEXT NOT NULL CHECK (json_valid(status)),
  details TEXT NOT NULL CHECK (json_valid(details)),
  samples BLOB NOT NULL CHECK (length(samples) % 8 = 0),
  createdAt INTEGER NOT NULL
) STRICT;
CREATE INDEX measurements_by_graph ON measurements (graphHash, target, protocolVersion, environment);
CREATE INDEX measurements_by_spec ON measurements (spec);
${appendOnly('measurements')}

CREATE TABLE lut_entries (
  id INTEGER PRIMARY KEY,
  environment TEXT NOT NULL REFERENCES environments (hash),
  target TEXT NOT NULL,
  runtimeVersion TEXT NOT NULL,
  protocolVersion INTEGER NOT NULL,
  dtype TEXT NOT NULL,
  phase TEXT NOT NULL,
  batch INTEGER NOT NULL,
  context INTEGER NOT NULL,
  dModel INTEGER NOT NULL,
  part TEXT NOT NULL,
  block TEXT NOT NULL,
  paramsHash TEXT NOT NULL,
  params TEXT NOT NULL CHECK (json_valid(params)),
  slopeMs REAL NOT NULL,
  lowMs REAL NOT NULL,
  highMs REAL NOT NULL,
  details TEXT NOT NULL CHECK (json_valid(details)),
  samples BLOB NOT NULL CHECK (length(samples) % 8 = 0),
  createdAt INTEGER NOT NULL
) STRICT;
CREATE INDEX lut_entries_by_key ON lut_entries
  (environment, target, dtype, phase, batch, context, dModel, part, block, paramsHash, protocolVersion, runtimeVersion);
${appendOnly('lut_entries')}

CREATE TABLE studies (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  searcher TEXT NOT NULL,
  config TEXT NOT NULL CHECK (json_valid(config)),
  space TEXT NOT NULL CHECK (json_valid(space)),
  objectives TEXT NOT NULL CHECK (json_valid(objectives)),
  seed INTEGER NOT NULL,
  gitRevision TEXT,
  environment TEXT REFERENCES environments (hash),
  state TEXT NOT NULL,
  error TEXT CHECK (json_valid(error)),
  createdAt INTEGER NOT NULL,
  updatedAt INTEGER NOT NULL
) STRICT;

CREATE TABLE trials (
  id INTEGER PRIMARY KEY,
  study INTEGER NOT NULL REFERENCES studies (id),
  number INTEGER NOT NULL CHECK (number >= 0),
  spec TEXT NOT NULL REFERENCES specs (hash),
  parent INTEGER REFERENCES trials (id),
  mutation TEXT CHECK (json_valid(mutation)),
  bornAt INTEGER NOT NULL,
  UNIQUE (study, number)
) STRICT;
CREATE INDEX trials_by_spec ON trials (spec);
CREATE INDEX trials_by_parent ON trials (parent);
${appendOnly('trials')}
${states('trial_states', 'trial', 'metrics TEXT CHECK (json_valid(metrics)),')}

CREATE TABLE trial_deaths (
  trial INTEGER PRIMARY KEY REFERENCES trials (id),
  died INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT;
${appendOnly('trial_deaths')}

CREATE VIEW trial_results AS
SELECT t.id, t.study, t.number, t.spec, t.parent, t.mutation, t.bornAt,
  s.id AS change, s.state, s.metrics, s.error, s.at AS changedAt, d.died
FROM trials t JOIN trial_states s ON s.id = (SELECT max(l.id) FROM trial_states l WHERE l.trial = t.id)
  LEFT JOIN trial_deaths d ON d.trial = t.id;

CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  spec TEXT NOT NULL REFERENCES specs (hash),
  config TEXT NOT NULL CHECK (json_valid(config)),
  seed INTEGER NOT NULL,
  gitRevision TEXT,
  environment TEXT REFERENCES environments (hash),
  study INTEGER REFERENCES studies (id),
  trial INTEGER REFERENCES trials (id),
  startedAt INTEGER NOT NULL
) STRICT;
CREATE INDEX runs_by_spec ON runs (spec);
CREATE INDEX runs_by_study ON runs (study);
CREATE INDEX runs_by_trial ON runs (trial);
${appendOnly('runs')}
${states('run_states', 'run', '')}

CREATE VIEW run_results AS
SELECT r.id, r.name, r.spec, r.config, r.seed, r.gitRevision, r.environment, r.study, r.trial, r.startedAt,
  s.state, s.error, s.at AS changedAt
FROM runs r JOIN run_states s ON s.id = (SELECT max(l.id) FROM run_states l WHERE l.run = r.id);

CREATE TABLE metric_chunks (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs (id),
  metric TEXT NOT NULL,
  level INTEGER NOT NULL CHECK (level IN (0, 1)),
  first INTEGER NOT NULL CHECK (first >= 0),
  count INTEGER NOT NULL CHECK (count > 0),
  points BLOB NOT NULL CHECK (length(points) = 16 * count),
  UNIQUE (run, metric, level, first)
) STRICT;
${appendOnly('metric_chunks')}

CREATE TABLE correlations (
  id INTEGER PRIMARY KEY,
  study INTEGER REFERENCES studies (id),
  name TEXT NOT NULL,
  method TEXT NOT NULL,
  x TEXT NOT NULL,
  y TEXT NOT NULL,
  step INTEGER,
  count INTEGER NOT NULL,
  value REAL,
  low REAL,
  high REAL,
  details TEXT NOT NULL CHECK (json_valid(details)),
  createdAt INTEGER NOT NULL
) STRICT;
CREATE INDEX correlations_by_study ON correlations (study);

CREATE TABLE fits (
  id INTEGER PRIMARY KEY,
  study INTEGER REFERENCES studies (id),
  name TEXT NOT NULL,
  law TEXT NOT NULL,
  coefficients TEXT NOT NULL CHECK (json_valid(coefficients)),
  errors TEXT NOT NULL CHECK (json_valid(errors)),
  details TEXT NOT NULL CHECK (json_valid(details)),
  createdAt INTEGER NOT NULL
) STRICT;
CREATE INDEX fits_by_study ON fits (study);

CREATE TABLE notebooks (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  text TEXT NOT NULL,
  createdAt INTEGER NOT NULL,
  updatedAt INTEGER NOT NULL
) STRICT;

CREATE TABLE blobs (
  hash TEXT PRIMARY KEY NOT NULL,
  bytes INTEGER NOT NULL CHECK (bytes >= 0),
  createdAt INTEGER NOT NULL
) STRICT;

CREATE TABLE artifacts (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  blob TEXT NOT NULL REFERENCES blobs (hash),
  run INTEGER REFERENCES runs (id),
  trial INTEGER REFERENCES trials (id),
  measurement INTEGER REFERENCES measurements (id),
  step INTEGER,
  createdAt INTEGER NOT NULL
) STRICT;
CREATE INDEX artifacts_by_blob ON artifacts (blob);
CREATE INDEX artifacts_by_run ON artifacts (run);
CREATE INDEX artifacts_by_trial ON artifacts (trial);
CREATE INDEX artifacts_by_measurement ON artifacts (measurement);
`,
}
