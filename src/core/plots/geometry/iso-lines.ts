// Lines of equal value over a grid, straight between neighbouring values (marching squares).

/** Two ends of a piece of a line, in columns and rows of the grid. */
export interface IsoSegment {
  readonly x0: number
  readonly y0: number
  readonly x1: number
  readonly y1: number
}

/**
 * Pieces of the line at a level. Squares with a missing corner (NaN) have none. Where two corners opposite to each other
 * are above and two below, the mean of the four decides which are joined.
 * @param at value in a column and a row
 */
export function isoSegments(
  at: (column: number, row: number) => number,
  columns: number,
  rows: number,
  level: number,
): IsoSegment[] {
  const pieces: IsoSegment[] = []
  for (let row = 0; row + 1 < rows; row++)
    for (let column = 0; column + 1 < columns; column++) {
      const corners = [at(column, row), at(column + 1, row), at(column + 1, row + 1), at(column, row + 1)] as const
      if (!corners.every(Number.isFinite)) continue
      const crossed = EDGES.flatMap(([from, to]) => {
        const a = corners[from]!,
          b = corners[to]!
        if (a > level === b > level) return []
        const share = (level - a) / (b - a)
        const [ax, ay] = CORNERS[from]!,
          [bx, by] = CORNERS[to]!
        return [[column + ax + share * (bx - ax), row + ay + share * (by - ay)] as const]
      })
      const join = (i: number, j: number): void => {
        const [x0, y0] = crossed[i]!,
          [x1, y1] = crossed[j]!
        pieces.push({ x0, y0, x1, y1 })
      }
      if (crossed.length === 2) join(0, 1)
      if (crossed.length === 4) {
        const isHigh = corners.reduce((a, b) => a + b) / 4 > level
        // the first corner stands apart unless the middle is on its side
        if (isHigh === corners[0] > level) {
          join(0, 1)
          join(2, 3)
        } else {
          join(0, 3)
          join(1, 2)
        }
      }
    }
  return pieces
}

const CORNERS = [
  [0, 0],
  [1, 0],
  [1, 1],
  [0, 1],
] as const
const EDGES = [
  [0, 1],
  [1, 2],
  [2, 3],
  [3, 0],
] as const
