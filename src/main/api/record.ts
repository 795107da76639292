// What runs and measurements leave in a project: the spec, where it ran, and the rows themselves.

import { hashSpec, resolveSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { countSpec } from '#core/model/counts.ts'
import { printSpecText } from '#core/model/text.ts'
import type { Environment } from '#main/runtime/environment.ts'
import type { ProfileResult } from '#main/runtime/profile/job.ts'
import { dtypeOf } from '#main/runtime/targets/index.ts'
import { putDevice, putEnvironment } from '#main/store/environments.ts'
import { addMeasurement } from '#main/store/measurements.ts'
import { putSpec } from '#main/store/specs.ts'
import type { Project } from '#main/store/db.ts'

/** Context of the counts that are kept with a spec. */
const COUNT_CONTEXT = 256

/** Stores a spec with its counts; returns its hash. */
export function recordSpec(project: Project, spec: ArchSpec): string {
  const hash = hashSpec(spec)
  const {
    params,
    embeddingParams,
    decoderParams,
    trainFlopsPerToken,
    prefillFlopsPerToken,
    decodeFlopsPerToken,
    stateBytes,
  } = countSpec(resolveSpec(spec), COUNT_CONTEXT)
  const counts = {
    params,
    embeddingParams,
    decoderParams,
    trainFlopsPerToken,
    prefillFlopsPerToken,
    decodeFlopsPerToken,
    stateBytes,
    context: COUNT_CONTEXT,
  }
  putSpec(project, { hash, name: spec.name ?? '', text: printSpecText(spec), json: plain(spec), counts })
  return hash
}

/** JSON as the store takes it: interfaces have no index signature, their serialised form has. */
function plain(value: object): Record<string, never> {
  return JSON.parse(JSON.stringify(value)) as Record<string, never>
}

/** Stores the stable part of an environment under its device; returns the environment's hash. */
export function recordEnvironment(project: Project, target: string, environment: Environment): string {
  const { loadAverage: _load, freeMemoryBytes: _free, temperatureCelsius: _temperature, ...stable } = environment
  const device = putDevice(project, { target, name: environment.cpuModel ?? environment.arch, details: {} })
  return putEnvironment(project, { device, details: plain(stable) })
}

/** Stores every latency of a profile, with raw samples; returns the numbers of the rows. */
export function recordProfile(project: Project, specs: readonly ArchSpec[], profile: ProfileResult): number[] {
  const environment = recordEnvironment(project, profile.target, profile.environment)
  const { promptLen, context } = profile.shape
  return profile.stacks.flatMap(({ index, phases }) => {
    const spec = recordSpec(project, specs[index]!)
    return phases.map(({ phase, batchSize, latency, deviceMs, graphHash, placement }) => {
      const { samplesMs, p50Ms, lowMs, highMs, iqrMs, p95Ms, ...rest } = latency
      const status = Object.fromEntries(
        (placement?.blocks ?? []).map((b) => [
          b.path,
          b.decomposed.length === 0
            ? 'fused'
            : b.fused.length === 0
              ? 'decomposed'
              : `fused ${b.fused.join('+')}, decomposed ${b.decomposed.join('+')}`,
        ]),
      )
      const details = plain({
        ...rest,
        deviceMs,
        floorMs: profile.floor.p50Ms,
        loadAverage: profile.environment.loadAverage,
        placement: placement ?? null,
      })
      return addMeasurement(project, {
        spec,
        environment,
        target: profile.target,
        phase,
        dtype: dtypeOf(profile.target),
        batch: batchSize,
        context: phase === 'prefill' ? promptLen : context,
        graphHash,
        protocolVersion: profile.protocol,
        p50Ms,
        lowMs,
        highMs,
        iqrMs,
        p95Ms,
        status,
        details,
        samples: samplesMs,
      })
    })
  })
}
