// The one error type of the program. A HeddleError is meant to be read by a user: it names the value,
// the rule and the place. Internal impossibilities are plain `Error`s.

/** Every code that a HeddleError may carry, with the paragraph that the docs print for it. */
export const ERROR_CODES = {
  'spec-invalid':
    'The architecture specification breaks a rule of a block or of the model. The path points at the value.',
  'spec-syntax': 'The text form of a stack could not be read. The path gives line and column.',
  'spec-version': 'The specification was written by another version and no migration leads from it to this one.',
  'param-invalid': 'A parameter is missing, of the wrong type, out of range or not one of its choices.',
  'graph-invalid': 'A graph breaks a typing rule: shapes or types of an operation do not fit.',
  'file-missing': 'A file or folder does not exist or cannot be opened.',
  'file-unwritable': 'A file or folder cannot be written: permissions, or a file where a folder should be.',
  'file-invalid': 'A file exists but its content is not what its format promises (truncated, lying header, binary).',
  'corpus-invalid': 'A training corpus cannot be used: empty, binary, too small, or without the named field.',
  'tokenizer-invalid': 'A tokenizer file cannot be read or does not fit the model.',
  'checkpoint-invalid': 'A checkpoint does not fit the model or run that wants to load it.',
  'target-missing': 'An execution target is not available on this machine. The message gives the reason.',
  'target-failed': 'An execution target failed while it compiled or ran a program.',
  'device-lost':
    'A device failed while it worked, or was taken away. The job ended; the next one starts in a new process and may find it again.',
  'train-diverged':
    'A training run produced a loss, gradient or weight that is not finite, or a loss far above that of guessing.',
  'job-cancelled': 'A job was cancelled by the user.',
  'job-crashed': 'The runner process ended while it worked on a job.',
  'store-invalid': 'A project file is damaged, foreign, or of a newer version than this program.',
  'store-full': 'The disk is full. Nothing that was recorded is lost; free some space and go on.',
  'store-busy': 'Another process is writing to this project.',
  'store-readonly': 'The project is open for reading only.',
  'sample-invalid': 'A statistic was asked of values that it does not take: too few, not finite, or of unlike lengths.',
  'connection-lost':
    'The line between a screen and the workbench was cut while a call was under way. The call may have happened.',
  usage: 'A command line or api call was given arguments that it does not take.',
} as const

export type ErrorCode = keyof typeof ERROR_CODES

export interface ErrorDetail {
  /** Where: a path into the spec (`blocks[3].params.heads`), a file with line, an argument name. */
  readonly path?: string | undefined
  /** What to do about it. */
  readonly hint?: string | undefined
}

/** An error for users: `code`, a lower-case one-sentence `message` that shows the value and the rule, `path` and `hint`. */
export class HeddleError extends Error {
  readonly code: ErrorCode
  readonly path: string | undefined
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message)
    this.name = 'HeddleError'
    this.code = code
    this.path = detail.path
    this.hint = detail.hint
  }

  toJSON(): ErrorRecord {
    return { code: this.code, message: this.message, path: this.path, hint: this.hint }
  }
}

/** The plain form of a HeddleError: what is stored in rows and crosses processes. */
export interface ErrorRecord {
  readonly code: ErrorCode
  readonly message: string
  readonly path?: string | undefined
  readonly hint?: string | undefined
}

/** Turns anything thrown into a record; unknown errors keep their message under the given code. */
export function errorRecord(error: unknown, code: ErrorCode = 'target-failed'): ErrorRecord {
  if (error instanceof HeddleError) return error.toJSON()
  return { code, message: error instanceof Error ? error.message : String(error) }
}
