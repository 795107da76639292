import { existsSync, readFileSync, statSync } from 'node:fs'
import { HeddleError } from '#core/errors.ts'
import { parseSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import { listPresets } from '#main/runtime/presets.ts'

const MAX_SPEC_BYTES = 4 * 2 ** 20

/** A spec from what a user typed: a preset's id, the path of a JSON file, or the text form. */
export function readSpec(argument: string): ArchSpec {
  const presets = listPresets()
  const preset = presets.find((p) => p.id === argument)
  if (preset !== undefined) return preset.spec
  if (existsSync(argument) && statSync(argument).isFile()) return readSpecFile(argument)
  if (/^[\w./\\-]+\.json$/.test(argument))
    throw new HeddleError('file-missing', `there is no file ${argument}`, { path: argument })
  try {
    return parseSpecText(argument)
  } catch (error) {
    if (!(error instanceof HeddleError) || error.code !== 'spec-syntax') throw error
    const near = presets.filter((p) => p.id.includes(argument.toLowerCase()) && argument.length >= 3).map((p) => p.id)
    const hint =
      near.length > 0
        ? `did you mean the preset ${near.join(', ')}?`
        : `a spec is a preset (heddle show --presets), a JSON file, or a pattern such as 'd f m2 f a f'${error.hint === undefined ? '' : `. ${error.hint}`}`
    throw new HeddleError(error.code, error.message, { path: error.path, hint })
  }
}

function readSpecFile(path: string): ArchSpec {
  if (statSync(path).size > MAX_SPEC_BYTES)
    throw new HeddleError('file-invalid', `${path} is larger than a spec can be`, { path })
  let json: unknown
  try {
    json = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new HeddleError('file-invalid', `${path} is not JSON: ${(error as Error).message}`, { path })
  }
  return parseSpec(json)
}
