// The view that the plots of a part of a page are of, where the page's address alone does not say it.

import type { FigureSource } from '#core/plots/figure/metadata.ts'
import { getContext, setContext } from 'svelte'

export type FigureOrigin = Pick<FigureSource, 'address' | 'spec'>

const KEY = Symbol('origin of figures')

/** Says it for all plots inside of the component that calls this. */
export const setFigureOrigin = (origin: () => FigureOrigin): void => void setContext(KEY, origin)

/** Reads it; called while a component is made. */
export const figureOrigin = (): (() => FigureOrigin) => {
  const origin = getContext<(() => FigureOrigin) | undefined>(KEY)
  return () => origin?.() ?? { address: location.hash.slice(0, 2000) || '#/library' }
}
