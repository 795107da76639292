import { HeddleError } from '#core/errors.ts'
import { printGraph } from '#core/graph/print.ts'
import { resolveSpec } from '#core/model/spec.ts'
import { choice, integer, resolveParams } from '#core/params.ts'
import { optimise } from '#core/passes/pipeline.ts'
import { parseTrainConfig } from '#core/optim/train-config.ts'
import { trainPrograms } from '#core/optim/train-program.ts'
import { decodeProgram, prefillProgram } from '#main/runtime/profile/programs.ts'
import { knownTarget } from '#main/runtime/targets/index.ts'
import type { Command } from './command.ts'
import { readSpec } from './spec-argument.ts'

const PARAMS = {
  phase: choice({ doc: 'Which program.', choices: ['train', 'prefill', 'decode'], default: 'train' }),
  batchSize: integer({ doc: 'Sequences.', min: 1, max: 65536, default: 1 }),
  seqLen: integer({ doc: 'Text tokens a sequence; the prompt of a prefill.', min: 1, max: 1 << 20, default: 64 }),
  context: integer({ doc: 'Text tokens in the caches (decode).', min: 1, max: 1 << 20, default: 64 }),
}

export const lower: Command = {
  name: 'lower',
  summary: 'The graph of a stack',
  usage: 'SPEC',
  help: 'Prints the graph that a target runs, one line a node. --trace prints it after every pass: lower, decompose, fold, cse, dce; for a target that plans ahead (cuda) also what would be launched and the memory plan, which takes no device.',
  examples: [
    "lower 'd f' --phase decode",
    "lower 'a f' --phase train --trace | less",
    "lower 'm2' --target reference --json",
    "lower 'd f a f' --phase decode --target cuda --trace",
  ],
  flags: {
    trace: { type: 'switch', doc: 'Print the graph after every pass.' },
    target: { type: 'text', value: 'TARGET', doc: 'Whose claims on fused ops apply [ort-cpu].' },
  },
  params: PARAMS,
  run: ({ positionals, switches, text, params }, output) => {
    if (positionals.length !== 1)
      throw new HeddleError('usage', 'lower takes one spec', { hint: 'quote a pattern that has spaces' })
    const spec = readSpec(positionals[0]!)
    const { phase, batchSize, seqLen, context } = resolveParams(PARAMS, params, { dModel: 0 }, 'flags')
    const target = knownTarget(text['target'] ?? 'ort-cpu')
    const resolved = resolveSpec(spec)
    const { optimiser } = parseTrainConfig({ spec })
    const program =
      phase === 'train'
        ? trainPrograms(resolved, { batchSize, seqLen, optimiser, accumulation: 1 }).batch
        : phase === 'prefill'
          ? prefillProgram(resolved, { batchSize, promptLen: seqLen, context: Math.max(context, seqLen) }).program
          : decodeProgram(resolved, { batchSize, context }).program
    const passes: { pass: string; nodes: number }[] = []
    const graph = optimise(program.graph, {
      claims: (node) => target.claims(node, phase),
      trace: (pass, current) => {
        passes.push({ pass, nodes: current.nodes.length })
        if (switches.has('trace') && !output.isJson)
          output.print(`# after ${pass}: ${current.nodes.length} nodes\n${printGraph(current)}`)
      },
    })
    if (output.isJson) output.print(JSON.stringify({ phase, passes, graph: printGraph(graph) }, null, 2))
    else if (!switches.has('trace')) output.print(printGraph(graph))
    else if (target.plan !== undefined) output.print(`# launches\n${target.plan(program).text()}`)
  },
}
