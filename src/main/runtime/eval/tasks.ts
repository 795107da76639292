// The formats of questions, in display order. Prompts and choices follow the task definitions of lm-evaluation-harness.

import { HeddleError } from '#core/errors.ts'
import type { Continuation, EvalTask, Example, Line } from './task.ts'

const CHOICE = { metrics: ['acc', 'acc_norm'], scoring: 'choice' } as const

const piqa: EvalTask = {
  ...CHOICE,
  kind: 'piqa',
  title: 'PIQA',
  doc: 'goal, sol1, sol2, label (0 or 1)',
  read: (line) =>
    choices(question(line.text('goal')), [line.text('sol1'), line.text('sol2')], indexLabel(line, 'label', 2)),
}

const hellaswag: EvalTask = {
  ...CHOICE,
  kind: 'hellaswag',
  title: 'HellaSwag',
  doc: 'activity_label, ctx_a, ctx_b, endings (list), label (from 0)',
  read: (line) => {
    const { endings, ctx_b: second } = line.fields
    if (
      !Array.isArray(endings) ||
      endings.length < 2 ||
      endings.length > 26 ||
      !endings.every((e) => typeof e === 'string' && e.trim() !== '')
    )
      return line.fail('endings', endings, 'a list of 2 to 26 texts')
    if (typeof second !== 'string') return line.fail('ctx_b', second, 'text')
    const context = withoutBrackets(
      `${line.text('activity_label')}: ${line.text('ctx_a')} ${capitalised(second.toWellFormed())}`,
    )
    const texts = (endings as string[]).map((ending) => withoutBrackets(ending.toWellFormed()))
    const empty = texts.indexOf('')
    if (empty >= 0) return line.fail('endings', endings[empty], 'text besides what stands in brackets')
    return choices(context, texts, indexLabel(line, 'label', texts.length))
  },
}

const arc = (kind: string, title: string): EvalTask => ({
  ...CHOICE,
  kind,
  title,
  doc: 'question, choices {text, label} (or question {stem, choices}), answerKey',
  read: (line) => letterQuestion(line, 'question', question),
})

const winogrande: EvalTask = {
  kind: 'winogrande',
  title: 'WinoGrande',
  doc: 'sentence with _, option1, option2, answer (1 or 2)',
  metrics: ['acc'],
  scoring: 'choice',
  // partial scoring: the same ending is scored after each option
  read: (line) => {
    const sentence = line.text('sentence')
    const blank = sentence.indexOf('_')
    if (blank < 0) return line.fail('sentence', sentence, 'text with a _ for the option')
    const options = [line.text('option1'), line.text('option2')]
    const answer = ['1', '2'].indexOf(String(line.fields['answer']))
    if (answer < 0) return line.fail('answer', line.fields['answer'], '1 or 2')
    const continuation = ` ${sentence.slice(blank + 1).trim()}`
    return {
      requests: options.map((option) => ({ context: sentence.slice(0, blank) + option, continuation })),
      gold: answer,
      lengths: options.map(characters),
    }
  },
}

const openbookqa: EvalTask = {
  ...CHOICE,
  kind: 'openbookqa',
  title: 'OpenBookQA',
  doc: 'question_stem, choices {text, label} (or question {stem, choices}), answerKey',
  read: (line) => letterQuestion(line, 'question_stem', (text) => text),
}

const lambada: EvalTask = {
  kind: 'lambada',
  title: 'LAMBADA, last word',
  doc: 'text, whose last word is to be written',
  metrics: ['perplexity', 'acc'],
  scoring: 'greedy',
  read: (line) => {
    const text = line.text('text')
    const space = text.lastIndexOf(' ')
    if (space < 0 || space === text.length - 1) return line.fail('text', text, 'text that ends in a word after a space')
    const word = text.slice(space)
    return {
      requests: [{ context: text.slice(0, space), continuation: word }],
      gold: 0,
      lengths: [characters(word) - 1],
    }
  },
}

export const evalTasks: readonly EvalTask[] = [
  piqa,
  hellaswag,
  arc('arc_easy', 'ARC, easy'),
  arc('arc_challenge', 'ARC, challenge'),
  winogrande,
  openbookqa,
  lambada,
]

/** The format of a kind. Throws HeddleError `usage` with the known kinds. */
export function evalTaskOf(kind: string): EvalTask {
  const found = evalTasks.find((task) => task.kind === kind)
  if (found !== undefined) return found
  throw new HeddleError('usage', `unknown evaluation task ${JSON.stringify(kind)}`, {
    path: 'tasks',
    hint: `tasks: ${evalTasks.map((t) => t.kind).join(', ')}`,
  })
}

const question = (text: string): string => `Question: ${text}\nAnswer:`

/** Length as the harness counts it: code points. */
const characters = (text: string): number => [...text].length

function choices(context: string, texts: readonly string[], gold: number): Example {
  const requests = texts.map((text): Continuation => ({ context, continuation: ` ${text}` }))
  return { requests, gold, lengths: texts.map(characters) }
}

/** A label that counts from 0, as a number or its digits. */
function indexLabel(line: Line, name: string, count: number): number {
  const value = line.fields[name]
  const index = typeof value === 'string' && /^\d{1,3}$/.test(value.trim()) ? Number(value) : value
  if (typeof index === 'number' && Number.isInteger(index) && index >= 0 && index < count) return index
  return line.fail(name, value, `a whole number from 0 to ${count - 1}`)
}

/** Questions whose choices carry labels: both the layout of the Hugging Face data sets and that of the original releases. */
function letterQuestion(line: Line, stemField: string, prompt: (text: string) => string): Example {
  const original = asRecord(line.fields['question'])
  const stem = original === undefined ? line.text(stemField) : original['stem']
  if (typeof stem !== 'string' || stem.trim() === '') return line.fail('question.stem', stem, 'text')
  const given = original === undefined ? line.fields['choices'] : original['choices']
  const rows = Array.isArray(given) ? given.map(asRecord) : undefined
  const columns = asRecord(given)
  const texts: unknown = rows?.map((row) => row?.['text']) ?? columns?.['text']
  const labels: unknown = rows?.map((row) => row?.['label']) ?? columns?.['label']
  const isTexts = (list: unknown): list is string[] =>
    Array.isArray(list) && list.every((each) => typeof each === 'string' && each.trim() !== '')
  if (!isTexts(texts) || !isTexts(labels) || texts.length !== labels.length || texts.length < 2 || texts.length > 26)
    return line.fail('choices', given, 'a list of 2 to 26 texts with as many labels')
  if (new Set(labels).size !== labels.length) return line.fail('choices', labels, 'labelled with different labels')
  const key = line.fields['answerKey']
  const gold = typeof key === 'string' ? labels.indexOf(key.trim()) : -1
  if (gold < 0) return line.fail('answerKey', key, `one of the labels ${labels.join(', ')}`)
  return choices(
    prompt(stem.toWellFormed()),
    texts.map((text) => text.toWellFormed()),
    gold,
  )
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined
}

/** The first letter large, all others small. */
function capitalised(text: string): string {
  const [first = '', ...rest] = text
  return first.toUpperCase() + rest.join('').toLowerCase()
}

/** HellaSwag's WikiHow part holds marks in brackets: [title] ends a sentence, others vanish. */
function withoutBrackets(text: string): string {
  return text
    .trim()
    .replaceAll(' [title]', '. ')
    .replace(/\[.*?\]/g, '')
    .replaceAll('  ', ' ')
}
