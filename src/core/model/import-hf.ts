// Import of Hugging Face models: config.json becomes a spec, the checkpoint's tensors become our weights. Each family in
// hf/ plans both at once, so that they cannot disagree (operators.md section 9).

import { HeddleError } from '../errors.ts'
import { sameShape, sizeOf } from '../graph/types.ts'
import { show } from '../params.ts'
import { hfConfig } from './hf/config.ts'
import type { HfConfig } from './hf/config.ts'
import { llama, mistral, qwen2, qwen3 } from './hf/llama.ts'
import { mamba, mamba2Model } from './hf/mamba.ts'
import { nemotronFlash } from './hf/nemotron-flash.ts'
import { nemotronH } from './hf/nemotron-h.ts'
import { grouped, withoutDefaults } from './hf/plan.ts'
import type { HfTensor, ImportPlan, Source } from './hf/plan.ts'
import { qwen3Next } from './hf/qwen3-next.ts'
import { lower } from './lower.ts'
import { MODEL_PARAMS, parseSpec, resolveSpec, SPEC_VERSION } from './spec.ts'
import type { ArchSpec } from './spec.ts'

export { parseHfConfig } from './hf/config.ts'
export type { HfTensor } from './hf/plan.ts'

/** By `model_type`. */
const FAMILIES: Readonly<Record<string, (config: HfConfig) => ImportPlan>> = {
  llama,
  mistral,
  qwen2,
  qwen3,
  qwen3_next: qwen3Next,
  mamba,
  mamba2: mamba2Model,
  nemotron_h: nemotronH,
  nemotron_flash: nemotronFlash,
}

export interface HfImport {
  readonly spec: ArchSpec
  /** What the spec does not say as the config does, or what had to be assumed; one sentence each. */
  readonly notes: readonly string[]
}

/**
 * Turns a parsed config.json into a spec.
 * @throws HeddleError `spec-invalid` with the path of the field in the config
 */
export function importHfConfig(config: unknown): HfImport {
  const { spec, notes } = planned(config)
  return { spec, notes }
}

/**
 * Turns the tensors of a checkpoint into weights under our names (`layers.3.mixer.q_proj.weight`). Tensors that need no
 * change share their data with the input.
 * @throws HeddleError `spec-invalid` for the config; `checkpoint-invalid` for a tensor that is missing, has another shape
 * than the config says, or belongs to no block although it is not zero
 */
export function importHfWeights(config: unknown, tensors: ReadonlyMap<string, HfTensor>): Map<string, HfTensor> {
  const { spec, plan } = planned(config)
  const prefix = plan.prefixes.find((p) => tensors.has(p + plan.embedding.name)) ?? plan.prefixes[0]!
  const resolved = resolveSpec(spec)
  const sources = sourcesOf(plan, prefix)
  const used = new Set<string>()
  const { weights } = lower(resolved, { phase: 'decode', batchSize: 1, seqLen: 1, shapesOnly: true })
  const result = new Map<string, HfTensor>()
  for (const { name, shape } of weights) {
    const source = sources.get(name)
    if (source === undefined)
      throw new Error(`the import of ${resolved.blocks.length} blocks has no source for ${name}`)
    used.add(source.name)
    result.set(name, weightFrom(source, tensors, shape))
  }
  checkRest(tensors, used, plan, `${prefix}${plan.embedding.name}`)
  return result
}

function planned(json: unknown): HfImport & { readonly plan: ImportPlan } {
  const config = hfConfig(json)
  const type = config.text('model_type')
  const family = Object.hasOwn(FAMILIES, type) ? FAMILIES[type] : undefined
  if (family === undefined)
    return config.fail(
      'model_type',
      'is not a family that can be imported',
      `known families: ${Object.keys(FAMILIES).join(', ')}`,
    )
  const plan = family(config)
  return { plan, spec: specOf(plan, nameOf(config, type)), notes: [...new Set(config.notes)] }
}

/** The last part of the model's name on the Hub, where the config holds one. */
function nameOf(config: HfConfig, type: string): string {
  const path = config.has('_name_or_path') ? config.text('_name_or_path') : ''
  const name = path.split(/[\\/]/).at(-1)!.trim()
  return name === '' || name.length > 200 ? type : name
}

function specOf({ settings, blocks }: ImportPlan, name: string): ArchSpec {
  try {
    return parseSpec({
      heddle: SPEC_VERSION,
      name,
      model: withoutDefaults(MODEL_PARAMS, settings, 0),
      blocks: grouped(blocks.map(({ item }) => item)),
    })
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error
    throw new HeddleError('spec-invalid', error.message, {
      path: error.path,
      hint: `the config describes a model that the blocks cannot express${error.hint === undefined ? '' : `; ${error.hint}`}`,
    })
  }
}

/** Sources by our names, with whole names of the checkpoint. */
function sourcesOf(plan: ImportPlan, prefix: string): Map<string, Source> {
  const whole = (source: Source): Source => ({ ...source, name: prefix + source.name })
  const sources = new Map<string, Source>([
    ['embed_tokens.weight', whole(plan.embedding)],
    ['final_norm.weight', whole(plan.finalNorm)],
    ['lm_head.weight', { name: 'lm_head.weight' }],
  ])
  if (plan.metaTokens !== undefined) sources.set('memory_tokens', whole(plan.metaTokens))
  plan.blocks.forEach(({ norm, weights }, i) => {
    sources.set(`layers.${i}.norm.weight`, whole(norm))
    for (const [name, source] of weights) sources.set(`layers.${i}.mixer.${name}`, whole(source))
  })
  return sources
}

function weightFrom(
  { name, transform }: Source,
  tensors: ReadonlyMap<string, HfTensor>,
  shape: readonly number[],
): HfTensor {
  const tensor = tensors.get(name)
  if (tensor === undefined)
    throw mismatch(
      `the checkpoint has no tensor ${show(name)}`,
      name,
      'checkpoints in several files must be given whole',
    )
  const expected = transform?.shape ?? shape
  if (!sameShape(tensor.shape, expected) || tensor.data.length !== sizeOf(expected))
    throw mismatch(
      `the tensor ${show(name)} has ${tensor.data.length} elements in the shape ${show(tensor.shape)}, the config says ${show(expected)}`,
      name,
    )
  return transform === undefined ? tensor : transform.apply(tensor)
}

/** Every tensor must be accounted for, or the model would compute something else. */
function checkRest(
  tensors: ReadonlyMap<string, HfTensor>,
  used: ReadonlySet<string>,
  plan: ImportPlan,
  embedding: string,
): void {
  const rest = [...tensors].filter(([name, tensor]) => {
    if (used.has(name) || plan.ignored?.test(name) === true) return false
    // a tied head may be stored again
    if (name === 'lm_head.weight') return !sameData(tensor, tensors.get(embedding)!)
    return !(name.endsWith('.bias') && tensor.data.every((x) => x === 0))
  })
  if (rest.length === 0) return
  const names = rest.slice(0, 3).map(([name]) => show(name))
  const more = rest.length > 3 ? ` and ${rest.length - 3} more` : ''
  throw mismatch(
    `no block has a place for ${names.join(', ')}${more}`,
    rest[0]![0],
    'without them the model would compute something else',
  )
}

const sameData = (a: HfTensor, b: HfTensor): boolean =>
  a.data.length === b.data.length && a.data.every((x, i) => Object.is(x, b.data[i]))

const mismatch = (what: string, path: string, hint?: string): HeddleError =>
  new HeddleError('checkpoint-invalid', what, { path, hint })
