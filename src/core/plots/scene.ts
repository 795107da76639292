// A plot is a scene: plain marks in pixels. Screen, report and exported figure draw the same scene.

/** A mark that stands for a thing (a trial, a run, a stack) names it: views of the same thing share the key. */
interface Keyed {
  readonly key?: string
}

export interface PathMark extends Keyed {
  readonly mark: 'path'
  readonly d: string
  readonly stroke?: string
  readonly fill?: string
  readonly width?: number
  readonly dash?: string
  readonly opacity?: number
  /** Shown when pointed at. */
  readonly title?: string
}
export interface CircleMark extends Keyed {
  readonly mark: 'circle'
  readonly x: number
  readonly y: number
  readonly r: number
  readonly fill: string
  readonly stroke?: string
  readonly width?: number
  /** Shown when pointed at. */
  readonly title?: string
}
export interface RectMark extends Keyed {
  readonly mark: 'rect'
  readonly x: number
  readonly y: number
  readonly w: number
  readonly h: number
  readonly fill: string
  readonly stroke?: string
  readonly opacity?: number
  readonly radius?: number
  readonly title?: string
}
export interface TextMark {
  readonly mark: 'text'
  readonly x: number
  readonly y: number
  readonly text: string
  readonly fill: string
  readonly size?: number
  readonly anchor?: 'start' | 'middle' | 'end'
  readonly weight?: number
  /** Degrees, about (x, y). */
  readonly rotate?: number
  readonly mono?: boolean
  /** Names an axis, where its place does not say so. */
  readonly isTitle?: boolean
}
export type Mark = PathMark | CircleMark | RectMark | TextMark

/** The ends of an axis. */
export interface SceneAxis {
  readonly domain: readonly [number, number]
  readonly log?: boolean
}

/** Where a scene has axes: a brush on it is a range of each. */
export interface SceneAxes {
  readonly x: SceneAxis
  readonly y: SceneAxis
  readonly inner: { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number }
}

export interface Scene {
  readonly width: number
  readonly height: number
  readonly marks: readonly Mark[]
  /** Given where keyed points can be brushed. */
  readonly axes?: SceneAxes
  /** What of a drawing the scene leaves out. */
  readonly omitted?: readonly string[]
  /** What the plot shows, for readers who do not see it. */
  readonly description: string
}

const FONT = "Inter, 'Helvetica Neue', Arial, sans-serif"
const MONO = "'JetBrains Mono', 'IBM Plex Mono', Menlo, monospace"

/** A scene as a self-contained SVG element. */
export function sceneToSvg(scene: Scene): string {
  const body = scene.marks.map(markToSvg).join('\n')
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${scene.width} ${scene.height}" width="${scene.width}" height="${scene.height}" role="img" aria-label="${escapeXml(scene.description)}" font-family="${FONT}">\n${body}\n</svg>`
}

/** Text that may stand in XML content and in quoted attributes. */
export function escapeXml(text: string): string {
  return text
    .replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '\ufffd')
}

function attributes(values: Readonly<Record<string, string | number | undefined>>): string {
  return Object.entries(values)
    .filter(([, v]) => v !== undefined)
    .map(([k, v]) => ` ${k}="${typeof v === 'number' ? round(v) : escapeXml(v!)}"`)
    .join('')
}

const round = (x: number): number => Math.round(x * 100) / 100

function markToSvg(mark: Mark): string {
  const title = 'title' in mark && mark.title !== undefined ? `<title>${escapeXml(mark.title)}</title>` : ''
  switch (mark.mark) {
    case 'path':
      return `<path${attributes({ d: mark.d, fill: mark.fill ?? 'none', stroke: mark.stroke, 'stroke-width': mark.width, 'stroke-dasharray': mark.dash, opacity: mark.opacity, 'stroke-linejoin': 'round' })}${title === '' ? '/>' : `>${title}</path>`}`
    case 'circle':
      return `<circle${attributes({ cx: mark.x, cy: mark.y, r: mark.r, fill: mark.fill, stroke: mark.stroke, 'stroke-width': mark.width })}>${title}</circle>`
    case 'rect':
      return `<rect${attributes({ x: mark.x, y: mark.y, width: mark.w, height: mark.h, fill: mark.fill, stroke: mark.stroke, opacity: mark.opacity, rx: mark.radius })}>${title}</rect>`
    case 'text': {
      const transform =
        mark.rotate === undefined ? undefined : `rotate(${mark.rotate} ${round(mark.x)} ${round(mark.y)})`
      return `<text${attributes({ x: mark.x, y: mark.y, fill: mark.fill, 'font-size': mark.size ?? 12, 'text-anchor': mark.anchor, 'font-weight': mark.weight, transform, 'font-family': mark.mono === true ? MONO : undefined })} style="font-variant-numeric: tabular-nums">${escapeXml(mark.text)}</text>`
    }
  }
}
