// A process with nothing to do but to draw a weight, which ends by itself.

import { normalInit } from '#core/blocks/init.ts'
import { initialValuesOf } from '#core/optim/first-values.ts'
import { arrived } from '#main/runtime/targets/target.ts'
import { drawWeights, DrawingThreads } from '#main/runtime/weights/draw.ts'

const shape = [6144, 1024]
const weight = { name: 'w', shape, init: normalInit(1), decay: true, project: undefined, block: undefined }
const found = await arrived(drawWeights([weight], initialValuesOf(1), new DrawingThreads(2)))
process.stdout.write(`${found.get('w')!.length} numbers\n`)
