import { readEnvironment } from '#main/runtime/environment.ts'
import type { Environment } from '#main/runtime/environment.ts'
import { targetsHere } from '#main/runtime/targets/index.ts'
import type { Availability, Target } from '#main/runtime/targets/target.ts'

export interface DeviceList {
  readonly environment: Environment
  readonly targets: readonly {
    readonly kind: string
    readonly title: string
    readonly doc: string
    readonly availability: Availability
  }[]
}

/** What each probe said: looking for libraries that are not there takes long, and a driver that comes later needs a restart. */
const probes = new Map<string, Availability>()

function availabilityOf({ kind, probe }: Target): Availability {
  const known = probes.get(kind) ?? probe()
  probes.set(kind, known)
  return known
}

/** This machine and every execution target, with the reason where one is missing. */
export function listDevices(): DeviceList {
  const probed = targetsHere().map((t) => ({
    kind: t.kind,
    title: t.title,
    doc: t.doc,
    availability: availabilityOf(t),
  }))
  const versions = probed.flatMap(({ kind, availability }) =>
    availability.isAvailable ? [[kind, availability.version] as const] : [],
  )
  return { environment: readEnvironment({ runtimes: Object.fromEntries(versions) }), targets: probed }
}
