const fence = (info: string, body: string): string => `\`\`\`heddle:${info}\n${body}\n\`\`\`\n\n`

const plot = (
  i: number,
): string => `const points = d3.range(200).map((n) => ({ n, a: Math.sin(n / ${i + 3}), b: Math.cos(n / ${i + 5}) }))
return Plot.plot({
  height: 260,
  grid: true,
  x: { label: 'Step' },
  y: { label: 'Loss (nats/token)' },
  marks: [Plot.lineY(points, { x: 'n', y: 'a' }), Plot.dot(points, { x: 'n', y: 'b', r: 2, fill: '#2F62C9' })],
})`

const table = (i: number): string => `return d3.range(30).map((n) => ({ run: n, loss: 3 - Math.sin(n * ${i + 1}) }))`

const prose = (i: number): string =>
  `## Section ${i}\n\n${'Some *prose* with a formula, $x_i^2 + \\frac{a}{b}$, and `code`. '.repeat(5)}\n\n`

/** A notebook of 300 pieces: 150 of prose, and 50 each of stacks, tables and plots made by code. */
export const longNotebook = (): string =>
  Array.from({ length: 50 }, (_, i) =>
    [
      prose(3 * i),
      fence(`plot id=plot-${i}`, plot(i)),
      prose(3 * i + 1),
      fence(
        `stack id=stack-${i}`,
        `{dModel: ${64 + 16 * i}, vocabSize: 257} (d{nHeads: 2} f m2{headDim: 16} f)x${1 + (i % 4)}`,
      ),
      prose(3 * i + 2),
      fence(`code id=table-${i}`, table(i)),
    ].join(''),
  ).join('')
