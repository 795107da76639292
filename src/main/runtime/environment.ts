// The machine and the versions behind a measurement. Everything is read, nothing is run, and what cannot be read is null:
// a fingerprint with holes is still better than a measurement that fails.

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import os from 'node:os'

/** What decides a latency and does not change by itself: measurements with equal stable parts may be compared. */
export interface StableEnvironment {
  readonly cpuModel: string | null
  /** Logical processors that this process may use (affinity). */
  readonly logicalCores: number | null
  /** Distinct physical cores among them. */
  readonly physicalCores: number | null
  /** Processors' worth of time that the control group grants; null without a limit. */
  readonly cpuQuota: number | null
  /** Linux frequency governor, such as `powersave`. */
  readonly governor: string | null
  /** Whether the processor may exceed its base frequency. */
  readonly turbo: boolean | null
  readonly memoryGiB: number | null
  readonly os: string
  readonly arch: string
  readonly node: string
  /** Versions of the engines that ran the model, such as `{ onnxruntime: '1.30.0' }`. */
  readonly runtimes: Readonly<Record<string, string>>
  /** Threads that the engine was told to use. */
  readonly threads: number | null
}

export interface Environment extends StableEnvironment {
  readonly fingerprint: string
  readonly heddle: string | null
  readonly osRelease: string | null
  readonly memoryBytes: number | null
  /** Memory limit of the control group; null without one. */
  readonly memoryLimitBytes: number | null
  readonly freeMemoryBytes: number | null
  /** Load averages over 1, 5 and 15 minutes; null where the system has none. */
  readonly loadAverage: readonly number[] | null
  /** Hottest thermal zone. */
  readonly temperatureCelsius: number | null
  /** `docker`, `podman`, `kubernetes` ..., or null when nothing hints at a container. */
  readonly container: string | null
  readonly electron: string | null
}

export interface EnvironmentOptions {
  readonly heddle?: string | undefined
  readonly runtimes?: Readonly<Record<string, string>> | undefined
  readonly threads?: number | undefined
}

/** Where facts come from; tests pass another machine. */
export interface EnvironmentSource {
  /** The text of a file; throws when it cannot be read. */
  readText(path: string): string
  list(folder: string): readonly string[]
  readonly system: Pick<
    typeof os,
    'cpus' | 'availableParallelism' | 'totalmem' | 'freemem' | 'platform' | 'arch' | 'release' | 'loadavg'
  >
  readonly versions: Readonly<Record<string, string | undefined>>
  readonly variables: Readonly<Record<string, string | undefined>>
}

const THIS_MACHINE: EnvironmentSource = {
  readText: (path) => readFileSync(path, 'utf8'),
  list: (folder) => readdirSync(folder),
  system: os,
  versions: process.versions,
  variables: process.env,
}

/** Reads the environment as it is now; never throws. */
export function readEnvironment(
  options: EnvironmentOptions = {},
  source: EnvironmentSource = THIS_MACHINE,
): Environment {
  const { system } = source
  const text = (path: string): string | null => attempt(() => source.readText(path).trim())
  const memoryBytes = attempt(() => system.totalmem())
  const load = attempt(() => system.loadavg())
  const stable: StableEnvironment = {
    cpuModel: attempt(() => system.cpus()[0]!.model.trim().replace(/\s+/g, ' ') || null),
    logicalCores: attempt(() => system.availableParallelism()),
    physicalCores: attempt(() => countPhysicalCores(text)),
    cpuQuota: attempt(() => readCpuQuota(text)),
    governor: text('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor'),
    turbo: attempt(() => readTurbo(text)),
    // whole GiB: the kernel's share of the memory differs between boots
    memoryGiB: memoryBytes === null ? null : Math.round(memoryBytes / 2 ** 30),
    os: attempt(() => system.platform()) ?? 'unknown',
    arch: attempt(() => system.arch()) ?? 'unknown',
    node: source.versions['node'] ?? 'unknown',
    runtimes: options.runtimes ?? {},
    threads: options.threads ?? null,
  }
  return {
    ...stable,
    fingerprint: fingerprintHash(stable),
    heddle: options.heddle ?? null,
    osRelease: attempt(() => system.release()),
    memoryBytes,
    memoryLimitBytes: attempt(() => readMemoryLimit(text)),
    freeMemoryBytes: attempt(() => system.freemem()),
    // Windows answers zeros
    loadAverage: load && stable.os !== 'win32' ? load : null,
    temperatureCelsius: attempt(() => readTemperature(source, text)),
    container: attempt(() => readContainer(source, text)),
    electron: source.versions['electron'] ?? null,
  }
}

/** Sixteen hexadecimal digits that are equal for equal stable parts; other fields of the argument do not count. */
export function fingerprintHash(environment: StableEnvironment): string {
  const { cpuModel, logicalCores, physicalCores, cpuQuota, governor, turbo, memoryGiB, os, arch, node, threads } =
    environment
  const runtimes = Object.entries(environment.runtimes).sort(([a], [b]) => (a < b ? -1 : 1))
  const facts = [
    cpuModel,
    logicalCores,
    physicalCores,
    cpuQuota,
    governor,
    turbo,
    memoryGiB,
    os,
    arch,
    node,
    threads,
    runtimes,
  ]
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 16)
}

type ReadText = (path: string) => string | null

function attempt<T>(read: () => T | null): T | null {
  try {
    const value = read()
    return typeof value === 'number' && !Number.isFinite(value) ? null : value
  } catch {
    return null
  }
}

function countPhysicalCores(text: ReadText): number | null {
  const allowed = parseCpuList(/^Cpus_allowed_list:\s*(\S+)/m.exec(text('/proc/self/status') ?? '')?.[1])
  const cores = new Set<string>()
  for (const part of (text('/proc/cpuinfo') ?? '').split(/\n\s*\n/)) {
    const field = (name: string): string | undefined => new RegExp(`^${name}\\s*:\\s*(\\d+)`, 'm').exec(part)?.[1]
    const processor = field('processor')
    const core = field('core id')
    if (processor === undefined || core === undefined) continue
    if (!allowed || allowed.has(Number(processor))) cores.add(`${field('physical id') ?? 0}:${core}`)
  }
  return cores.size || null
}

/** Numbers of a list such as `0-3,8`. */
function parseCpuList(list: string | undefined): Set<number> | undefined {
  if (list === undefined) return undefined
  const numbers = new Set<number>()
  for (const range of list.split(',')) {
    const [first, last] = range.split('-').map(Number)
    for (let i = first!; i <= Math.min(last ?? first!, 65_535); i++) numbers.add(i)
  }
  return numbers
}

function readCpuQuota(text: ReadText): number | null {
  const unified = text(`/sys/fs/cgroup${cgroupFolder(text, '')}/cpu.max`) ?? text('/sys/fs/cgroup/cpu.max')
  const folder = `/sys/fs/cgroup/cpu`
  const [quota, period] = unified?.split(' ') ?? [
    text(`${folder}/cpu.cfs_quota_us`),
    text(`${folder}/cpu.cfs_period_us`),
  ]
  const share = Number(quota) / Number(period)
  return share > 0 && Number.isFinite(share) ? share : null
}

function readMemoryLimit(text: ReadText): number | null {
  const limit =
    text(`/sys/fs/cgroup${cgroupFolder(text, '')}/memory.max`) ??
    text('/sys/fs/cgroup/memory.max') ??
    text(`/sys/fs/cgroup/memory${cgroupFolder(text, 'memory')}/memory.limit_in_bytes`) ??
    text('/sys/fs/cgroup/memory/memory.limit_in_bytes')
  const bytes = Number(limit)
  // version 1 writes a number near 2^63 for "no limit"
  return limit !== null && bytes > 0 && bytes < 2 ** 60 ? bytes : null
}

/** The folder of this process below the mount of a controller; the empty name stands for version 2. */
function cgroupFolder(text: ReadText, controller: string): string {
  for (const line of (text('/proc/self/cgroup') ?? '').split('\n')) {
    const [, controllers, folder] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    if (controllers === undefined || !controllers.split(',').includes(controller)) continue
    return folder === '/' ? '' : folder!
  }
  return ''
}

function readTurbo(text: ReadText): boolean | null {
  const isOff = text('/sys/devices/system/cpu/intel_pstate/no_turbo')
  if (isOff !== null) return isOff === '0'
  const boost = text('/sys/devices/system/cpu/cpufreq/boost')
  return boost === null ? null : boost === '1'
}

function readTemperature(source: EnvironmentSource, text: ReadText): number | null {
  const folder = '/sys/class/thermal'
  const readings = source
    .list(folder)
    .filter((name) => name.startsWith('thermal_zone'))
    .map((name) => text(`${folder}/${name}/temp`))
    .filter((reading) => reading !== null && reading !== '')
    .map((reading) => Number(reading) / 1000)
    .filter((celsius) => celsius > 0 && celsius < 150)
  return readings.length > 0 ? Math.max(...readings) : null
}

function readContainer(source: EnvironmentSource, text: ReadText): string | null {
  if (source.variables['KUBERNETES_SERVICE_HOST']) return 'kubernetes'
  if (source.variables['container']) return source.variables['container']
  if (text('/run/.containerenv') !== null) return 'podman'
  if (text('/.dockerenv') !== null) return 'docker'
  return /docker|kubepods|containerd|lxc/.exec(text('/proc/1/cgroup') ?? '')?.[0] ?? null
}
