import type { Theme } from '#core/plots/theme.ts'
import type { Drawing } from '../cells/view.ts'

const FONT = "Inter, 'Helvetica Neue', Arial, sans-serif"

/** The page of a frame that shows a drawing. The frame itself allows nothing. */
export const drawingPage = ({ markup }: Drawing, { ink, side }: Theme): string =>
  `<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"><style>html{color:${ink};color-scheme:${side};background:transparent;font:12px ${FONT}}body{margin:0}svg,figure,div{font-family:${FONT}}svg{max-width:100%;height:auto;--plot-background:transparent;background:transparent}figure{margin:0}h2{font-size:14px;margin:0}h3{font-size:12px;font-weight:normal;margin:0}</style>${markup}`
