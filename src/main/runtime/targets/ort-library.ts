// Finds the ONNX Runtime library that the npm package onnxruntime-node brings for this platform.

import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, sep } from 'node:path'
import { HeddleError } from '#core/errors.ts'

/** File names of the library per platform; the package carries a version in some of them. */
const FILE_NAMES: Readonly<Record<string, RegExp>> = {
  linux: /^libonnxruntime\.so(\.\d+)*$/,
  darwin: /^libonnxruntime(\.\d+)*\.dylib$/,
  win32: /^onnxruntime\.dll$/,
}

/**
 * Returns the path of the ONNX Runtime library for a platform and architecture in the terms of `process`.
 * @throws HeddleError `target-missing` when the package is not installed or has no library for this machine
 */
export function findOrtLibrary(platform: string = process.platform, arch: string = process.arch): string {
  const root = join(packageFolder(), 'bin')
  const pattern = FILE_NAMES[platform]
  const folders = list(root)
    .filter((name) => name.startsWith('napi-'))
    .sort()
    .reverse()
  for (const folder of pattern === undefined ? [] : folders) {
    const place = join(root, folder, platform, arch)
    const file = list(place)
      .filter((name) => pattern!.test(name))
      .sort()[0]
    if (file !== undefined) return join(place, file)
  }
  throw new HeddleError('target-missing', `onnx runtime has no library for ${platform} ${arch}`, {
    hint: 'onnxruntime-node supports linux x64 and arm64, macos arm64, and windows x64 and arm64',
  })
}

/** Returns the version of the installed onnxruntime-node package, for messages and fingerprints. */
export function ortPackageVersion(): string {
  const manifest = JSON.parse(readFileSync(join(packageFolder(), 'package.json'), 'utf8')) as { version: string }
  return manifest.version
}

function packageFolder(): string {
  let manifest: string
  try {
    manifest = createRequire(import.meta.url).resolve('onnxruntime-node/package.json')
  } catch {
    throw new HeddleError('target-missing', 'the package onnxruntime-node is not installed', {
      hint: 'run npm install',
    })
  }
  // a packed Electron application keeps native libraries beside its archive, where the system's loader can open them
  return dirname(manifest).replace(`app.asar${sep}`, `app.asar.unpacked${sep}`)
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
