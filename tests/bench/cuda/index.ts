// `npm run bench -- cuda`: what the native CUDA target does on this machine's first device. Options:
// --only ceilings,train,start,agreement,decode,layers,forms,throughput (the first three by default), --stacks T1,T2,T3, --seq 512,2048,
// --compute bf16 or f32, --repeats 5, --costs, --schedule, --steps 500; for decode --models,
// --context 1024,8192 and --batch 1; for throughput --models and --prompt 32768.

import { parseArgs } from 'node:util'
import { cuda } from '#main/runtime/targets/cuda/target.ts'
import type { Compute } from '#main/runtime/targets/cuda/schedule/precision.ts'
import { benchAgreement } from './agreement.ts'
import { measureCeilings } from './ceilings.ts'
import { copyBandwidth } from './copy.ts'
import { benchDecode, benchDecodeLayers, compareDecodeForms } from './decode.ts'
import { benchStart } from './start.ts'
import { benchThroughput } from './throughput.ts'
import { benchTraining } from './train.ts'

const { values: options } = parseArgs({
  args: process.argv.slice(2).filter((word) => word !== 'cuda'),
  options: {
    only: { type: 'string', default: 'ceilings,train,start' },
    stacks: { type: 'string', default: 'T1,T2,T3' },
    seq: { type: 'string', default: '512' },
    compute: { type: 'string', default: 'bf16' },
    repeats: { type: 'string', default: '5' },
    steps: { type: 'string', default: '500' },
    costs: { type: 'boolean', default: false },
    schedule: { type: 'boolean', default: false },
    models: { type: 'string', default: 'nemotron-flash-1b,nemotron-flash-3b,qwen3-0.6b' },
    context: { type: 'string', default: '1024,8192' },
    batch: { type: 'string', default: '1' },
    prompt: { type: 'string', default: '32768' },
  },
})
const parts = options.only.split(',')
const available = cuda.probe()
if (!available.isAvailable) {
  console.log(`the CUDA target is not available here: ${available.reason}`)
  process.exit(1)
}
const needsPeak = parts.includes('ceilings') || parts.includes('train')
const peak = needsPeak ? (await measureCeilings()).product : NaN
if (parts.includes('train'))
  for (const seqLen of options.seq.split(',').map(Number))
    for (const name of options.stacks.split(','))
      await benchTraining(name, seqLen, {
        compute: options.compute as Compute,
        repeats: Number(options.repeats),
        showSchedule: options.schedule,
        showCosts: options.costs,
        peak,
      })
if (parts.includes('start')) benchStart('T1')
if (parts.includes('agreement')) await benchAgreement(Number(options.steps))
const batches = options.batch.split(',').map(Number)
if (parts.includes('decode')) {
  const bandwidth = await copyBandwidth()
  console.log(`copy by a kernel ${(bandwidth / 1e12).toFixed(2)} TB/s, read + write`)
  await benchDecode({
    models: options.models.split(','),
    contexts: options.context.split(',').map(Number),
    batches,
    showCosts: options.costs,
    bandwidth,
  })
}
if (parts.includes('layers')) await benchDecodeLayers()
if (parts.includes('forms')) for (const batch of batches) await compareDecodeForms(batch)
if (parts.includes('throughput'))
  for (const name of options.models.split(',')) await benchThroughput(name, Number(options.prompt))
