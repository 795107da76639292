// Where numbers were taken: devices, and fingerprints of the environment on them (processor, governor, cores, versions,
// threads). What changes from minute to minute, as the load, belongs to the measurement.

import { createHash } from 'node:crypto'
import type { Project } from './db.ts'
import { hash, integer, record, text } from './file/columns.ts'
import type { Json, JsonRecord } from './file/columns.ts'
import { insertOnce, insert, select, table, where } from './file/table.ts'
import type { RowOf } from './file/table.ts'

export const devices = table('devices', 'What programs run on: an execution target and the hardware behind it.', {
  id: integer(),
  target: text(),
  name: text(),
  details: record,
  createdAt: integer(),
})

export const environments = table('environments', 'Fingerprints of a device with its software, by hash.', {
  hash,
  device: integer(),
  details: record,
  createdAt: integer(),
})

export type DeviceRow = RowOf<typeof devices.columns>
export type EnvironmentRow = RowOf<typeof environments.columns>

/** Stores a device unless its target and name are there already; returns its number. */
export function putDevice(project: Project, device: Pick<DeviceRow, 'target' | 'name' | 'details'>): number {
  return project.sql.transaction(() => {
    const known = listDevices(project, device)[0]
    return known?.id ?? insert(project.sql, devices, { ...device, createdAt: Date.now() })
  })
}

/** Devices in the order of their arrival. */
export function listDevices(
  project: Project,
  filter: { readonly target?: string; readonly name?: string } = {},
): DeviceRow[] {
  const { text, values } = where({ target: filter.target, name: filter.name })
  return select(project.sql, devices, project.path, `${text} ORDER BY id`, ...values)
}

/** Stores a fingerprint unless the same one is there already; returns its hash, which does not depend on key order. */
export function putEnvironment(
  project: Project,
  environment: { readonly device: number; readonly details: JsonRecord },
): string {
  const device = select(project.sql, devices, project.path, 'WHERE id = ?', environment.device)[0]
  const identity = canonical({
    target: device?.target ?? null,
    name: device?.name ?? null,
    details: environment.details,
  })
  const hash = createHash('sha256').update(identity).digest('hex')
  insertOnce(project.sql, environments, { ...environment, hash, createdAt: Date.now() })
  return hash
}

/** The environment with a hash, or undefined. */
export function getEnvironment(project: Project, hash: string): EnvironmentRow | undefined {
  return select(project.sql, environments, project.path, 'WHERE hash = ?', hash)[0]
}

/** Environments in the order of their arrival. */
export function listEnvironments(project: Project, filter: { readonly device?: number } = {}): EnvironmentRow[] {
  const { text, values } = where({ device: filter.device })
  return select(project.sql, environments, project.path, `${text} ORDER BY rowid`, ...values)
}

function canonical(value: Json): string {
  const sorted = (_: string, inner: Json): Json =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner
  return JSON.stringify(value, sorted)
}
