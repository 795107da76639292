// Where CUDA's libraries are on this machine: configured folders, a toolkit, the linker's list, a Python installation.

import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'

export type CudaLibrary = 'driver' | 'nvrtc' | 'cublasLt'

/** File names by preference: major versions that this program speaks to, the newest first. */
export const LIBRARY_FILES: Readonly<Record<'linux' | 'win32', Readonly<Record<CudaLibrary, readonly string[]>>>> = {
  linux: {
    driver: ['libcuda.so.1'],
    nvrtc: ['libnvrtc.so.13', 'libnvrtc.so.12'],
    cublasLt: ['libcublasLt.so.13', 'libcublasLt.so.12'],
  },
  win32: {
    driver: ['nvcuda.dll'],
    nvrtc: ['nvrtc64_130_0.dll', 'nvrtc64_120_0.dll'],
    cublasLt: ['cublasLt64_13.dll', 'cublasLt64_12.dll'],
  },
}

/** What is known of the machine before anything is loaded; replaced in tests. */
export interface SearchPlace {
  readonly platform: NodeJS.Platform
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Entries of a folder; none where it cannot be read. */
  list(folder: string): readonly string[]
  exists(path: string): boolean
  /** Standard output of a program, or '' when it fails. */
  output(program: string, args: readonly string[]): string
}

const thisMachine: SearchPlace = {
  platform: process.platform,
  environment: process.env,
  list: (folder) => {
    try {
      return readdirSync(folder)
    } catch {
      return []
    }
  },
  exists: existsSync,
  output: (program, args) => {
    try {
      return execFileSync(program, args, { encoding: 'utf8', timeout: 5000, stdio: ['ignore', 'pipe', 'ignore'] })
    } catch {
      return ''
    }
  },
}

/**
 * Path of a library, or undefined when it is nowhere. Order: folders of HEDDLE_CUDA_LIBRARIES, CUDA_HOME and CUDA_PATH,
 * LD_LIBRARY_PATH, toolkits in their usual place, the linker's cache, the nvidia packages of `python3`.
 */
export function findLibrary(library: CudaLibrary, place: SearchPlace = thisMachine): string | undefined {
  const files = place.platform === 'linux' || place.platform === 'win32' ? LIBRARY_FILES[place.platform][library] : []
  for (const folders of [configuredFolders, toolkitFolders]) {
    const found = inFolders(folders(place), files, place)
    if (found !== undefined) return found
  }
  return inLinkerCache(files, place) ?? inFolders(pythonFolders(place), files, place)
}

function inFolders(folders: readonly string[], files: readonly string[], place: SearchPlace): string | undefined {
  for (const file of files)
    for (const folder of folders) {
      const path = join(folder, file)
      if (place.exists(path)) return path
    }
  return undefined
}

/** Folders of a list variable; relative ones are ignored, so that nothing is loaded from where the program was started. */
const listed = (value: string | undefined): string[] => (value ?? '').split(delimiter).filter((f) => isAbsolute(f))

const inToolkit = (home: string): string[] =>
  ['lib64', 'lib', 'targets/x86_64-linux/lib', 'bin', 'bin/x64'].map((folder) => join(home, folder))

function configuredFolders({ environment }: SearchPlace): string[] {
  return [
    ...listed(environment['HEDDLE_CUDA_LIBRARIES']),
    ...[environment['CUDA_HOME'], environment['CUDA_PATH']]
      .filter((home) => home !== undefined && isAbsolute(home))
      .flatMap((home) => inToolkit(home!)),
    ...listed(environment['LD_LIBRARY_PATH']),
  ]
}

function toolkitFolders(place: SearchPlace): string[] {
  if (place.platform === 'win32') return listed(place.environment['PATH'])
  const versions = place
    .list('/usr/local')
    .filter((name) => /^cuda(-1[23](\.\d+)?)?$/.test(name))
    .sort()
    .reverse()
  return [...versions.flatMap((name) => inToolkit(join('/usr/local', name))), '/usr/local/nvidia/lib64']
}

/** Lines such as `libcuda.so.1 (libc6,x86-64) => /lib/x86_64-linux-gnu/libcuda.so.1`. */
function inLinkerCache(files: readonly string[], place: SearchPlace): string | undefined {
  if (place.platform !== 'linux') return undefined
  const lines = place.output('ldconfig', ['-p']).split('\n')
  for (const file of files) {
    const line = lines.find((l) => l.trim().startsWith(`${file} `) && l.includes('=>'))
    const path = line?.split('=>')[1]?.trim()
    if (path !== undefined && place.exists(path)) return path
  }
  return undefined
}

/** `nvidia/<package>/lib` of the site-packages of `python3`, as the wheels of PyTorch and CuPy install them. */
function pythonFolders(place: SearchPlace): string[] {
  const script = 'import sysconfig; print(sysconfig.get_path("purelib"))'
  const packages = place.output('python3', ['-I', '-c', script]).trim()
  if (!isAbsolute(packages)) return []
  const nvidia = join(packages, 'nvidia')
  return place.list(nvidia).flatMap((name) => [join(nvidia, name, 'lib'), join(nvidia, name, 'bin')])
}
