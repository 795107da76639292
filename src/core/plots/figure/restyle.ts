// A figure is a scene made again: laid out for the width that it has in print, then given in points with the text size
// and line weight of a preset.

import type { Mark, Scene } from '../scene.ts'
import type { Theme } from '../theme.ts'
import { ASPECTS, widthOf } from './presets.ts'
import type { FigureChoice } from './presets.ts'
import { redundant } from './redundant.ts'

/** Black on white, with lines that a printer can hold. */
export const PAPER: Theme = { ground: '#FFFFFF', ink: '#111418', quiet: '#4A4F56', line: '#D4D6D9', side: 'light' }

/** Size of axis titles in scenes, in their pixels. */
const TITLE = 12
/** Width of an axis line in scenes. */
const AXIS = 1

export type SceneMaker = (width: number, height: number, theme: Theme) => Scene

/** A scene whose unit is the point, 1/72 inch. */
export interface Figure extends Scene {
  readonly unit: 'pt'
}

/** The size in pixels at which a scene's text has the preset's size when the scene is as wide as the preset says. */
export function layoutOf(choice: FigureChoice): { readonly width: number; readonly height: number } {
  const width = (widthOf(choice) * 72 * TITLE) / choice.preset.text
  return { width, height: width * ASPECTS[choice.aspect] }
}

/** A scene in paper colours as the preset prints it, series told apart by shape and dash too; one of another width is scaled. */
export function printed(scene: Scene, choice: FigureChoice): Figure {
  const scale = (widthOf(choice) * 72) / scene.width
  return inPoints(redundant(scene, PAPER), scale, choice.preset.line / (scale * AXIS))
}

/** A plot for print, laid out at the preset's width. */
export function figureOf(make: SceneMaker, choice: FigureChoice): Figure {
  const { width, height } = layoutOf(choice)
  return printed(make(width, height, PAPER), choice)
}

/** A scene in points: `scale` of them to a pixel, with lines `weight` times as wide as that alone makes them. */
export function inPoints(scene: Scene, scale: number, weight = 1): Figure {
  const { axes, ...rest } = scene
  const s = (value: number): number => round(value * scale)
  const stroke = (mark: { readonly width?: number; readonly stroke?: string }): { width?: number } =>
    mark.stroke === undefined ? {} : { width: round((mark.width ?? 1) * scale * weight) }
  const marks = scene.marks.map((mark): Mark => {
    switch (mark.mark) {
      case 'path':
        return {
          ...mark,
          d: scaledPath(mark.d, scale),
          ...stroke(mark),
          ...(mark.dash !== undefined && {
            dash: mark.dash
              .split(/[ ,]+/)
              .map((part) => s(Number(part)))
              .join(' '),
          }),
        }
      case 'circle':
        return { ...mark, x: s(mark.x), y: s(mark.y), r: s(mark.r), ...stroke(mark) }
      case 'rect':
        return {
          ...mark,
          x: s(mark.x),
          y: s(mark.y),
          w: s(mark.w),
          h: s(mark.h),
          ...(mark.radius !== undefined && { radius: s(mark.radius) }),
        }
      case 'text':
        return { ...mark, x: s(mark.x), y: s(mark.y), size: s(mark.size ?? 12) }
    }
  })
  const { left = 0, right = 0, top = 0, bottom = 0 } = axes?.inner ?? {}
  return {
    ...rest,
    unit: 'pt',
    width: Math.round(scene.width * scale * 1000) / 1000,
    height: Math.round(scene.height * scale * 1000) / 1000,
    marks,
    ...(axes !== undefined && {
      axes: { ...axes, inner: { left: s(left), right: s(right), top: s(top), bottom: s(bottom) } },
    }),
  }
}

const round = (value: number): number => Math.round(value * 100) / 100

const COMMAND = /([MmLlHhVvCcSsQqTtAaZz])([^MmLlHhVvCcSsQqTtAaZz]*)/g
const NUMBER = /[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?/gi

/** The commands of a path with their numbers. */
export function pathParts(d: string): { readonly command: string; readonly numbers: number[] }[] {
  return [...d.matchAll(COMMAND)].map(([, command, rest]) => ({
    command: command!,
    numbers: (rest!.match(NUMBER) ?? []).map(Number),
  }))
}

/** A path with all its lengths scaled; of arcs the angle and the flags stay. */
export function scaledPath(d: string, scale: number): string {
  return pathParts(d)
    .map(({ command, numbers }) => {
      const isArc = command === 'A' || command === 'a'
      const isLength = (i: number): boolean => !isArc || ![2, 3, 4].includes(i % 7)
      return command + numbers.map((value, i) => (isLength(i) ? round(value * scale) : value)).join(' ')
    })
    .join('')
}
