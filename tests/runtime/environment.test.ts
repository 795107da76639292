import os from 'node:os'
import { describe, expect, it } from 'vitest'
import { type EnvironmentSource, fingerprintHash, readEnvironment } from '../../src/main/runtime/environment.ts'

const cpuinfo = (cores: readonly (readonly [number, number, number])[]) =>
  cores
    .map(([processor, socket, core]) => `processor\t: ${processor}\nphysical id\t: ${socket}\ncore id\t\t: ${core}\n`)
    .join('\n')

function machine(files: Record<string, string>, more: Partial<EnvironmentSource> = {}): EnvironmentSource {
  return {
    readText: (path) => {
      if (files[path] === undefined) throw new Error(`ENOENT ${path}`)
      return files[path]
    },
    list: (folder) => {
      const names = Object.keys(files)
        .filter((path) => path.startsWith(`${folder}/`))
        .map((path) => path.slice(folder.length + 1).split('/')[0]!)
      if (names.length === 0) throw new Error(`ENOENT ${folder}`)
      return [...new Set(names)]
    },
    system: {
      cpus: () => [{ model: 'Fast  CPU  @ 3 GHz ', speed: 3000, times: { user: 0, nice: 0, sys: 0, idle: 0, irq: 0 } }],
      availableParallelism: () => 4,
      totalmem: () => 15.6 * 2 ** 30,
      freemem: () => 2 ** 30,
      platform: () => 'linux',
      arch: () => 'x64',
      release: () => '6.1.0',
      loadavg: () => [0.5, 0.4, 0.3],
    },
    versions: { node: '24.1.0' },
    variables: {},
    ...more,
  }
}

const LAPTOP = {
  // two cores with two threads each, in a second socket one more; the affinity leaves out processor 3 and 4
  '/proc/cpuinfo': cpuinfo([
    [0, 0, 0],
    [1, 0, 1],
    [2, 0, 0],
    [3, 0, 1],
    [4, 1, 0],
  ]),
  '/proc/self/status': 'Name:\tnode\nCpus_allowed_list:\t0-2\n',
  '/proc/self/cgroup': '0::/user/app\n',
  '/sys/fs/cgroup/user/app/cpu.max': '150000 100000\n',
  '/sys/fs/cgroup/user/app/memory.max': '4294967296\n',
  '/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor': 'powersave\n',
  '/sys/devices/system/cpu/intel_pstate/no_turbo': '0\n',
  '/sys/class/thermal/thermal_zone0/temp': '45000\n',
  '/sys/class/thermal/thermal_zone1/temp': '61500\n',
  '/sys/class/thermal/thermal_zone2/temp': '-274000\n',
  '/sys/class/thermal/cooling_device0/temp': '99000\n',
}

describe('a machine that can be read', () => {
  it('is read', () => {
    const environment = readEnvironment(
      { heddle: '0.1.0', runtimes: { onnxruntime: '1.30.0' }, threads: 2 },
      machine(LAPTOP),
    )
    expect(environment).toMatchObject({
      cpuModel: 'Fast CPU @ 3 GHz',
      logicalCores: 4,
      physicalCores: 2,
      cpuQuota: 1.5,
      governor: 'powersave',
      turbo: true,
      memoryGiB: 16,
      memoryLimitBytes: 4 * 2 ** 30,
      temperatureCelsius: 61.5,
      loadAverage: [0.5, 0.4, 0.3],
      container: null,
      node: '24.1.0',
      runtimes: { onnxruntime: '1.30.0' },
      threads: 2,
      heddle: '0.1.0',
      electron: null,
    })
    expect(environment.fingerprint).toMatch(/^[0-9a-f]{16}$/)
  })

  it('is read under version 1 of control groups, without a limit', () => {
    const environment = readEnvironment(
      {},
      machine({
        '/proc/self/cgroup': '4:memory:/jobs\n2:cpu,cpuacct:/\n0::/\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1',
        '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
        '/sys/fs/cgroup/memory/jobs/memory.limit_in_bytes': '9223372036854771712',
        '/sys/devices/system/cpu/cpufreq/boost': '0',
      }),
    )
    expect(environment).toMatchObject({ cpuQuota: null, memoryLimitBytes: null, turbo: false })
    const limited = machine({
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
    })
    expect(readEnvironment({}, limited).cpuQuota).toBe(0.5)
    expect(readEnvironment({}, machine({ '/sys/fs/cgroup/cpu.max': 'max 100000' })).cpuQuota).toBeNull()
  })

  it.for([
    ['docker', { '/.dockerenv': '' }, {}],
    ['podman', { '/run/.containerenv': 'engine="podman"' }, {}],
    ['kubernetes', { '/.dockerenv': '' }, { KUBERNETES_SERVICE_HOST: '10.0.0.1' }],
    ['lxc', { '/proc/1/cgroup': '1:cpu:/lxc/box' }, {}],
    ['systemd-nspawn', {}, { container: 'systemd-nspawn' }],
  ] as const)('hints at %s', ([name, files, variables]) => {
    expect(readEnvironment({}, machine({ ...files }, { variables })).container).toBe(name)
  })
})

describe('the fingerprint', () => {
  const fingerprint = (options = {}, source = machine(LAPTOP)) => readEnvironment(options, source).fingerprint

  it('ignores what changes by itself', () => {
    const busy = machine({ ...LAPTOP, '/sys/class/thermal/thermal_zone0/temp': '90000' })
    const system = { ...busy.system, loadavg: () => [9, 9, 9], freemem: () => 1, totalmem: () => 15.7 * 2 ** 30 }
    expect(fingerprint({ heddle: '9' }, { ...busy, system })).toBe(fingerprint())
    expect(fingerprint({ runtimes: { a: '1', b: '2' } })).toBe(fingerprint({ runtimes: { b: '2', a: '1' } }))
  })

  it('differs where measurements would', () => {
    const changed = [
      fingerprint({ threads: 1 }),
      fingerprint({ threads: 2 }),
      fingerprint({ runtimes: { onnxruntime: '1.30.0' } }),
      fingerprint({ runtimes: { onnxruntime: '1.31.0' } }),
      fingerprint({}, machine({ ...LAPTOP, '/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor': 'performance' })),
      fingerprint({}, machine({ ...LAPTOP, '/sys/devices/system/cpu/intel_pstate/no_turbo': '1' })),
      fingerprint({}, machine(LAPTOP, { versions: { node: '24.2.0' } })),
      fingerprint(),
    ]
    expect(new Set(changed).size).toBe(changed.length)
    // the same in another version of this program: stored rows carry it
    expect(fingerprintHash(readEnvironment({}, machine(LAPTOP)))).toBe(fingerprint())
  })
})

it('never throws, and fills what is missing with null', () => {
  const refuse = (): never => {
    throw new Error('no')
  }
  const names = [
    'cpus',
    'availableParallelism',
    'totalmem',
    'freemem',
    'platform',
    'arch',
    'release',
    'loadavg',
  ] as const
  const system = Object.fromEntries(names.map((name) => [name, refuse])) as unknown as EnvironmentSource['system']
  const environment = readEnvironment({}, { readText: refuse, list: refuse, system, versions: {}, variables: {} })
  const { fingerprint, os: platform, arch, node, runtimes, ...rest } = environment
  expect([platform, arch, node, runtimes]).toEqual(['unknown', 'unknown', 'unknown', {}])
  expect(fingerprint).toMatch(/^[0-9a-f]{16}$/)
  for (const [name, value] of Object.entries(rest)) expect(value, name).toBeNull()
  const nonsense = machine({
    '/proc/cpuinfo': '\u0000\u0001',
    '/proc/self/status': 'Cpus_allowed_list:\tx-y\n',
    '/sys/fs/cgroup/cpu.max': 'many',
    '/sys/class/thermal/thermal_zone0/temp': 'hot',
  })
  expect(readEnvironment({}, nonsense)).toMatchObject({ physicalCores: null, cpuQuota: null, temperatureCelsius: null })
  const noCpu = machine({}, { system: { ...machine({}).system, cpus: () => [] } })
  expect(readEnvironment({}, noCpu).cpuModel).toBeNull()
})

it('reads this machine quickly', () => {
  const begun = performance.now()
  const environment = readEnvironment()
  process.stdout.write(`environment in ${(performance.now() - begun).toFixed(1)} ms: ${JSON.stringify(environment)}\n`)
  expect(environment.logicalCores).toBe(os.availableParallelism())
  expect(environment.os).toBe(process.platform)
  expect(environment.fingerprint).toBe(readEnvironment().fingerprint)
})
