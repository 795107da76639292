import { readEnvironment } from '#main/runtime/environment.ts'
import type { Environment } from '#main/runtime/environment.ts'
import { targetsHere } from '#main/runtime/targets/index.ts'
import type { Availability } from '#main/runtime/targets/target.ts'

export interface DeviceList {
  readonly environment: Environment
  readonly targets: readonly {
    readonly kind: string
    readonly title: string
    readonly doc: string
    readonly availability: Availability
  }[]
}

/** This machine and every execution target, with the reason where one is missing. */
export function listDevices(): DeviceList {
  const probed = targetsHere().map((t) => ({ kind: t.kind, title: t.title, doc: t.doc, availability: t.probe() }))
  const versions = probed.flatMap(({ kind, availability }) =>
    availability.isAvailable ? [[kind, availability.version] as const] : [],
  )
  return { environment: readEnvironment({ runtimes: Object.fromEntries(versions) }), targets: probed }
}
