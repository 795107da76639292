import { adamw } from '../../optim/adamw.ts'
import { SCHEDULE_PARAMS } from '../../optim/schedule.ts'
import { RUN_PARAMS } from '../../optim/train-config.ts'
import type { ParamSchema } from '../../params.ts'
import type { PlainRecord } from '../yaml.ts'
import { cellKind, checkTraining, idsOf, readFields, recordField, textField } from './cell.ts'

const PARAMS = { ...RUN_PARAMS, ...SCHEDULE_PARAMS, ...adamw.params } satisfies ParamSchema
const SMALL = { kind: 'corpus', path: null, tokenizer: 'bytes' } as const

const pick = (record: PlainRecord, names: object): PlainRecord =>
  Object.fromEntries(Object.entries(record).filter(([name]) => Object.hasOwn(names, name)))

/** Training runs: one for each stack, with the same settings. */
export const train = cellKind({
  kind: 'train',
  title: 'Train',
  doc: 'Trains each stack with the same settings; settings of run, schedule and optimiser stand side by side. Learns from the demo corpus as bytes unless data says otherwise.',
  params: PARAMS,
  language: 'yaml',
  runs: 'asked',
  example: 'stacks: [hybrid]\nsteps: 100\nbatchSize: 4\nseqLen: 128\n',
  read({ body }) {
    const fields = readFields(body, ['stacks', 'data', 'target', ...Object.keys(PARAMS)])
    const data = recordField(fields['data'], 'data')
    const config = {
      data: Object.keys(data).length === 0 ? SMALL : { kind: 'corpus', tokenizer: 'bytes', ...data },
      run: pick(fields, RUN_PARAMS),
      schedule: pick(fields, SCHEDULE_PARAMS),
      optimiser: pick(fields, adamw.params),
      target: textField(fields['target'], 'target', 'ort-cpu', 60),
    }
    checkTraining(config)
    return { stacks: idsOf(fields['stacks'], 'stacks'), config }
  },
  inputs: ({ stacks }) => stacks,
})
