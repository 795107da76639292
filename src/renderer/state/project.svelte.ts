// The open project, and where its numbers were taken.

import type { ProjectInfo } from '#main/api/workbench/project-info.ts'
import type { Api } from '#main/api/workbench/index.ts'
import { client } from '../client.ts'
import { design, EMPTY_SPEC } from './spec.svelte.ts'

type Devices = Awaited<ReturnType<Api['devices']['list']>>
type Places = Awaited<ReturnType<Api['projects']['places']>>

class ProjectState {
  info = $state.raw<ProjectInfo | null>(null)
  /** False until the first answer has come. */
  isKnown = $state(false)
  devices = $state.raw<Devices | null>(null)
  places = $state.raw<Places>({ devices: [], environments: [] })

  /** Reads what is open. */
  async load(): Promise<void> {
    const places = this.set(await client.projects.current())
    this.isKnown = true
    await places
  }

  /** Reads what this machine can run on: the workbench may have to look for a while, so ask last. */
  async loadDevices(): Promise<void> {
    this.devices = await client.devices.list()
  }

  async set(info: ProjectInfo | null): Promise<void> {
    // what was not saved stays on the canvas
    if (info?.path !== this.info?.path && !design.dirty) design.open(EMPTY_SPEC)
    this.info = info
    await this.refresh()
  }

  /** Reads the places again: a measurement may have come from a new one. */
  async refresh(): Promise<void> {
    this.places = this.info === null ? { devices: [], environments: [] } : await client.projects.places()
  }

  get isReadonly(): boolean {
    return this.info?.readonly ?? true
  }

  /** Where a row with this environment was taken, in words: target, processor, threads. */
  placeOf(environment: string | null): string {
    const found = this.places.environments.find((e) => e.hash === environment)
    const device = this.places.devices.find((d) => d.id === found?.device)
    if (found === undefined || device === undefined) return 'unknown place'
    const threads = found.details['threads']
    return `${device.target} on ${device.name}${typeof threads === 'number' ? `, ${threads} thread${threads === 1 ? '' : 's'}` : ''}`
  }
}

export const project = new ProjectState()
