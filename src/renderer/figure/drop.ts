import { sourceIn } from '#core/plots/figure/metadata.ts'
import type { FigureSource } from '#core/plots/figure/metadata.ts'
import { VIEWS } from '../router.svelte.ts'

/** Figures are far smaller; larger files are not read. */
const MOST_BYTES = 32 * 2 ** 20

/** The view behind a figure file of Heddle (SVG, PNG, PDF or TeX); undefined for any other file. */
export async function viewOfFigure(file: File): Promise<FigureSource | undefined> {
  if (file.size > MOST_BYTES) return undefined
  return sourceIn(new Uint8Array(await file.arrayBuffer()), VIEWS)
}
