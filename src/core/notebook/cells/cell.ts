import type { Entry } from '../../entry.ts'
import { HeddleError } from '../../errors.ts'
import { parseTrainConfig } from '../../optim/train-config.ts'
import { SPEC_VERSION } from '../../model/spec.ts'
import { show } from '../../params.ts'
import { CELL_ID } from '../document.ts'
import { isRecord, readYamlRecord } from '../yaml.ts'
import type { Plain, PlainRecord } from '../yaml.ts'

/** What a cell is given to read: the text between its fences and what its fence says. */
export interface CellSource {
  readonly body: string
  readonly attributes: Readonly<Record<string, string>>
}

/** A kind of cell: how its text is read, and what it takes from other cells. */
export interface CellKind<C = unknown> extends Entry {
  readonly language: 'stack' | 'yaml' | 'typescript'
  /**
   * `never`: it shows what its inputs are, and has no result of its own. `itself`: it runs whenever its inputs are there.
   * `asked`: it takes long and runs only when somebody asks.
   */
  readonly runs: 'never' | 'itself' | 'asked'
  /** Text of a new cell. */
  readonly example: string
  /** Plain data that says what the cell computes. Throws HeddleError for a text that it cannot read. */
  read(source: CellSource): C
  /** Ids of the cells that it takes from. */
  inputs(content: C): readonly string[]
}

/** A kind with the type of its content inferred. */
export const cellKind = <C>(kind: CellKind<C>): CellKind<C> => kind

/** Reads YAML that may hold these names only. */
export function readFields(body: string, names: readonly string[]): PlainRecord {
  const record = readYamlRecord(body)
  const unknown = Object.keys(record).find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw new HeddleError('param-invalid', `there is no setting ${show(unknown)}`, {
      path: unknown.slice(0, 80),
      hint: `settings: ${names.join(', ')}`,
    })
  return record
}

const refuse = (path: string, value: unknown, rule: string): never => {
  throw new HeddleError('param-invalid', `${path} (${show(value)}) must be ${rule}`, { path })
}

const MOST_INPUTS = 64

/** Ids of cells: one, or a list. Throws where there must be some and are none. */
export function idsOf(value: Plain | undefined, path: string, atLeast = 1): string[] {
  const list = value === undefined || value === null ? [] : Array.isArray(value) ? value : [value]
  const ids = list.map((id: Plain) =>
    typeof id === 'string' && CELL_ID.test(id) ? id : refuse(path, id, 'the id of a cell'),
  )
  if (ids.length < atLeast || ids.length > MOST_INPUTS)
    refuse(path, value, `the id of a cell, or a list of ${atLeast} to ${MOST_INPUTS}`)
  return [...new Set(ids)]
}

/** Text of at most `longest` characters. */
export const textField = (value: Plain | undefined, path: string, otherwise: string, longest = 200): string =>
  value === undefined
    ? otherwise
    : typeof value === 'string' && value.length <= longest
      ? value
      : refuse(path, value, `text of at most ${longest} characters`)

/** A mapping; empty where absent. */
export const recordField = (value: Plain | undefined, path: string): PlainRecord =>
  value === undefined || value === null ? {} : isRecord(value) ? value : refuse(path, value, 'names with values')

/** Whole numbers from a list. */
export function integersField(value: Plain | undefined, path: string, most: number, max: number): number[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > most)
    return refuse(path, value, `a list of 1 to ${most} whole numbers`)
  return (value as readonly Plain[]).map((n) =>
    typeof n === 'number' && Number.isInteger(n) && n >= 1 && n <= max
      ? n
      : refuse(path, n, `a whole number from 1 to ${max}`),
  )
}

/** A whole number in a range. */
export const integerField = (
  value: Plain | undefined,
  path: string,
  otherwise: number,
  min: number,
  max: number,
): number =>
  value === undefined
    ? otherwise
    : typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
      ? value
      : refuse(path, value, `a whole number from ${min} to ${max}`)

/** Ids behind `inputs=` on the fence. */
export const fenceInputs = ({ attributes }: CellSource): string[] => {
  const { inputs = '' } = attributes
  return inputs === '' ? [] : idsOf(inputs.split(','), 'inputs')
}

/** Checks the parts of a training configuration that stand in cells. Throws what `parseTrainConfig` throws. */
export const checkTraining = (config: PlainRecord): void =>
  void parseTrainConfig({ ...config, spec: { heddle: SPEC_VERSION, blocks: [] } })
