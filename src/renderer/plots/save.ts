// Files of a figure. They are made in the colours of paper, whatever the screen shows.

import { sceneToSvg, type Scene } from '#core/plots/scene.ts'
import { LIGHT } from '#core/plots/theme.ts'
import { drawMarks } from './draw-scene.ts'

/** Pixels of a PNG for each unit of the scene: 300 dots per inch at a third of the size. */
const PNG_SCALE = 3

export function saveSvg(scene: Scene, name: string): void {
  download(new Blob([sceneToSvg(scene)], { type: 'image/svg+xml' }), `${fileName(name)}.svg`)
}

export async function savePng(scene: Scene, name: string): Promise<void> {
  const canvas = new OffscreenCanvas(Math.ceil(scene.width * PNG_SCALE), Math.ceil(scene.height * PNG_SCALE))
  const context = canvas.getContext('2d')!
  context.fillStyle = LIGHT.ground
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.scale(PNG_SCALE, PNG_SCALE)
  drawMarks(context, scene.marks)
  download(await canvas.convertToBlob({ type: 'image/png' }), `${fileName(name)}.png`)
}

export function saveCsv(text: string, name: string): void {
  download(new Blob([text], { type: 'text/csv' }), `${fileName(name)}.csv`)
}

function download(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  // the download has its own hold on the data once it began
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

/** Lower-case words joined by hyphens: right on every file system. */
export function fileName(name: string): string {
  return (
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '')
      .slice(0, 80) || 'figure'
  )
}
