import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import { bytesTokenizer } from '#main/runtime/data/tokenizers/bytes.ts'
import { encodeRequest } from '#main/runtime/eval/encode.ts'
import { readExamples } from '#main/runtime/eval/examples.ts'
import { argMax, judgeChoice, scoreTask } from '#main/runtime/eval/score.ts'
import { evalTaskOf } from '#main/runtime/eval/tasks.ts'
import { describe, expect, it, onTestFinished } from 'vitest'

function file(...lines: readonly (object | string)[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-eval-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'task.jsonl')
  writeFileSync(path, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'))
  return path
}

const read = (kind: string, ...lines: readonly (object | string)[]) => readExamples(file(...lines), evalTaskOf(kind))

async function problem(kind: string, ...lines: readonly (object | string)[]): Promise<HeddleError> {
  const error: unknown = await read(kind, ...lines).catch((e: unknown) => e)
  expect(error).toBeInstanceOf(HeddleError)
  return error as HeddleError
}

describe('formats', () => {
  it('PIQA', async () => {
    const [first] = await read('piqa', { goal: 'open a jar', sol1: 'twist', sol2: 'sing 🎵', label: 1 })
    expect(first).toEqual({
      requests: [
        { context: 'Question: open a jar\nAnswer:', continuation: ' twist' },
        { context: 'Question: open a jar\nAnswer:', continuation: ' sing 🎵' },
      ],
      gold: 1,
      lengths: [5, 6],
      line: 1,
    })
  })

  it('HellaSwag cleans brackets and capitalises the second sentence', async () => {
    const [first] = await read('hellaswag', {
      activity_label: 'Cooking',
      ctx_a: 'How to boil [title] Begin.',
      ctx_b: 'the WATER',
      endings: [' is [step] hot.', 'sings.'],
      label: '0',
    })
    expect(first!.requests).toEqual([
      { context: 'Cooking: How to boil. Begin. The water', continuation: ' is hot.' },
      { context: 'Cooking: How to boil. Begin. The water', continuation: ' sings.' },
    ])
    expect(first!.lengths).toEqual([7, 6])
  })

  it('ARC in both layouts gives the same question', async () => {
    const [hub] = await read('arc_easy', {
      question: 'Why?',
      choices: { text: ['x', 'yy', 'z'], label: ['1', '2', '3'] },
      answerKey: '2',
    })
    const [original] = await read('arc_challenge', {
      question: {
        stem: 'Why?',
        choices: [
          { text: 'x', label: '1' },
          { text: 'yy', label: '2' },
          { text: 'z', label: '3' },
        ],
      },
      answerKey: '2',
    })
    expect(hub).toEqual(original)
    expect(hub!.requests[1]).toEqual({ context: 'Question: Why?\nAnswer:', continuation: ' yy' })
    expect(hub!.gold).toBe(1)
  })

  it('OpenBookQA asks the stem alone', async () => {
    const [first] = await read('openbookqa', {
      question_stem: 'Ice is',
      choices: { text: ['cold', 'hot'], label: ['A', 'B'] },
      answerKey: 'A',
    })
    expect(first!.requests[0]).toEqual({ context: 'Ice is', continuation: ' cold' })
  })

  it('WinoGrande scores the same ending after each option', async () => {
    const [first] = await read('winogrande', {
      sentence: 'The cup fell off _ and broke.',
      option1: 'the desk',
      option2: 'a cloud',
      answer: '1',
    })
    expect(first!.requests).toEqual([
      { context: 'The cup fell off the desk', continuation: ' and broke.' },
      { context: 'The cup fell off a cloud', continuation: ' and broke.' },
    ])
    expect(first!.gold).toBe(0)
  })

  it('LAMBADA asks for the last word', async () => {
    const [first] = await read('lambada', { text: 'she called her dog Rex' }, '')
    expect(first!.requests).toEqual([{ context: 'she called her dog', continuation: ' Rex' }])
  })

  it.for([
    ['piqa', { goal: 'g', sol1: 'a', sol2: 'b' }, 'line 2: "label" is missing'],
    ['piqa', { goal: 'g', sol1: 'a', sol2: 'b', label: 7 }, 'line 2: "label" (7) must be a whole number from 0 to 1'],
    ['piqa', { goal: 'g', sol1: 'a', sol2: 'b', label: -1 }, '"label" (-1)'],
    ['piqa', { goal: 'g', sol1: '', sol2: 'b', label: 0 }, '"sol1" ("") must be text that is not empty'],
    ['hellaswag', { activity_label: 'x', ctx_a: 'y', ctx_b: '', endings: ['a', '[x]'], label: 0 }, '"endings" ("[x]")'],
    [
      'hellaswag',
      { activity_label: 'x', ctx_a: 'y', ctx_b: '', endings: 'a', label: 0 },
      '"endings" ("a") must be a list of 2 to 26 texts',
    ],
    [
      'arc_easy',
      { question: 'q', choices: { text: ['a', 'b'], label: ['A', 'B'] }, answerKey: 'E' },
      '"answerKey" ("E") must be one of the labels A, B',
    ],
    [
      'arc_easy',
      { question: 'q', choices: { text: ['a', 'b'], label: ['A', 'A'] }, answerKey: 'A' },
      'different labels',
    ],
    ['openbookqa', { question_stem: 'q', choices: { text: ['a', 'b'], label: ['A'] }, answerKey: 'A' }, '"choices"'],
    [
      'winogrande',
      { sentence: 'no blank', option1: 'a', option2: 'b', answer: '1' },
      '"sentence" ("no blank") must be text with a _',
    ],
    ['winogrande', { sentence: 'a _ b', option1: 'a', option2: 'b', answer: '' }, '"answer" ("") must be 1 or 2'],
    ['lambada', { text: 'word' }, '"text" ("word")'],
    ['lambada', '[1]', 'not a JSON object'],
    ['lambada', '{"text": ', 'line 2 is not JSON'],
  ] as const)('%s refuses %o', async ([kind, bad, message]) => {
    const good = { piqa: { goal: 'g', sol1: 'a', sol2: 'b', label: 0 }, lambada: { text: 'a b' } }[kind as string] ?? ''
    const error = await problem(kind, good, bad)
    expect(error.message).toContain(message)
    expect(error.path).toMatch(/task\.jsonl:2$/)
    expect(error.code).toBe('corpus-invalid')
  })

  it('refuses an empty file, a missing file and an unknown task', async () => {
    expect((await problem('piqa', '')).message).toMatch(/holds no question/)
    await expect(readExamples('no-such-file.jsonl', evalTaskOf('piqa'))).rejects.toThrow(/cannot be read/)
    expect(() => evalTaskOf('mmlu')).toThrow(/unknown evaluation task "mmlu"/)
  })
})

describe('encodeRequest', () => {
  const bytes = bytesTokenizer()
  const codes = (text: string): number[] => [...new TextEncoder().encode(text)]

  it('scores the tokens after the context', () => {
    const { tokens, targets, isTruncated } = encodeRequest({ context: 'ab', continuation: ' c' }, bytes, 10, 'x')
    expect([...tokens]).toEqual(codes('ab '))
    expect([...targets]).toEqual([-100, ...codes(' c')])
    expect(isTruncated).toBe(false)
  })

  it('cuts the context on the left and keeps the continuation', () => {
    const { tokens, targets, isTruncated } = encodeRequest({ context: 'abcdef', continuation: 'xy' }, bytes, 3, 'x')
    expect([...tokens]).toEqual(codes('efx'))
    expect([...targets]).toEqual([-100, ...codes('xy')])
    expect(isTruncated).toBe(true)
  })

  it('gives spaces at the end of the context to the continuation, and an empty context the document boundary', () => {
    expect([...encodeRequest({ context: 'a ', continuation: 'b' }, bytes, 9, 'x').targets]).toEqual(codes(' b'))
    expect([...encodeRequest({ context: '', continuation: 'b' }, bytes, 9, 'x').tokens]).toEqual([256])
    expect(() => encodeRequest({ context: 'a', continuation: 'bcd' }, bytes, 2, 'f:3')).toThrow(
      /3 tokens, more than the 2/,
    )
  })
})

describe('scores', () => {
  it('acc and acc_norm differ where a long choice is likelier for each character', () => {
    // -6 / 3 = -2 against -8 / 8 = -1: raw prefers the first, normalised the second
    expect(judgeChoice({ gold: 0, lengths: [3, 8] }, [-6, -8])).toEqual({ acc: true, accNorm: false })
    expect(argMax([-1, -1])).toBe(0)
  })

  it('means and standard errors as the harness computes them', () => {
    const example = (gold: number) => ({ requests: [], gold, lengths: [3, 8] })
    const answer = [-6, -8].map((logLikelihood) => ({ logLikelihood, isGreedy: false }))
    const scores = scoreTask(
      evalTaskOf('piqa'),
      [example(0), example(0), example(1), example(0)],
      [answer, answer, answer, answer],
    )
    expect(scores.map((s) => [s.metric, s.value])).toEqual([
      ['acc', 0.75],
      ['acc_norm', 0.25],
    ])
    // sample standard deviation of 1 1 0 1 is 0.5, over the root of 4
    expect(scores[0]!.standardError).toBeCloseTo(0.25, 12)
  })

  it('LAMBADA: greedy words and exp of the mean', () => {
    const examples = [0, 1].map(() => ({ requests: [], gold: 0, lengths: [3] }))
    const scores = scoreTask(evalTaskOf('lambada'), examples, [
      [{ logLikelihood: -1, isGreedy: true }],
      [{ logLikelihood: -3, isGreedy: false }],
    ])
    expect(scores[0]).toMatchObject({ metric: 'perplexity' })
    expect(scores[0]!.value).toBeCloseTo(Math.exp(2), 12)
    expect(scores[1]!.value).toBe(0.5)
  })
})
