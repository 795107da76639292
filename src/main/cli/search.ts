import { HeddleError } from '#core/errors.ts'
import { ancestorsOf } from '#core/search/index.ts'
import { openSearch, readTrials } from '#main/api/search.ts'
import type { SearchConfig, Study } from '#main/api/search.ts'
import { requestPause } from '#main/api/search/pause.ts'
import { tableOfProject } from '#main/api/search/table.ts'
import { goalOf, whatIfConditions, whatIfStudy } from '#main/api/search/what-if.ts'
import { readFinalists, resumeStudy, startStudy, winnerOf } from '#main/api/search-run.ts'
import { closeProject, openProject } from '#main/store/db.ts'
import type { Project } from '#main/store/db.ts'
import { terminalProgress } from '#main/terminal.ts'
import type { Command, CommandInput, CommandOutput } from './command.ts'
import { configOf, goalFlags, PROBE_FLAG, SEARCH_PARAMS } from './search/flags.ts'
import { lineageText, outcomeText, trialLine, whatIfText } from './search/text.ts'

export const search: Command = {
  name: 'search',
  summary: 'Search for stacks under a latency target',
  usage: '--project FILE',
  help: `Proposes stacks, trains each for a few steps, measures or predicts its latency, and keeps everything in the project. Stopped at any moment (Ctrl-C,
kill, --pause from another terminal), it goes on with --study N exactly as it would have; --trials raises its budget. At the end members of the front are
measured whole, in one interleaved measurement, and the best of them under the target is named.

--objectives are metrics (heddle docs metrics), the first the most important; --max and --min bound them. --widest makes each stack as wide as the decode
target allows by the look-up table. --space FILE is the search space as JSON (heddle docs search shows the fields); by default a small one over attention,
Mamba-2 and DeltaNet. --evaluation FILE says as JSON what a trial takes: {train: {data, run, optimiser, schedule, target, threads}, profile: {target, options}}.

Nothing is run by: --what-if, which ranks the trials of a study under other objectives, bounds or the look-up table of another device; --lineage, which
shows how a trial came about; --pause.`,
  examples: [
    'search --project my.heddle --trials 24 --max tpotMs=0.6',
    'search --project my.heddle --latency predicted --widest --max tpotMs=0.6',
    'search --project my.heddle --objectives valLoss,ttftMs --max stateBytes=65536 --searcher nsga2',
    'search --project my.heddle --study 3 --trials 48',
    'search --project my.heddle --study 3 --what-if --max tpotMs=0.4',
    'search --project my.heddle --study 3 --lineage winner',
  ],
  flags: {
    project: { type: 'text', value: 'FILE', doc: 'Project file; made when missing.' },
    study: { type: 'text', value: 'N', doc: 'Study to resume, extend or look at.' },
    name: { type: 'text', value: 'TEXT', doc: 'Name of the study.' },
    objectives: { type: 'text', value: 'METRIC,...', doc: 'What to improve [bitsPerByte,tpotMs].' },
    max: { type: 'text', value: 'METRIC=X,...', doc: 'Upper bounds: targets that a winner keeps.' },
    min: { type: 'text', value: 'METRIC=X,...', doc: 'Lower bounds.' },
    widest: {
      type: 'switch',
      doc: 'The largest width of the space whose predicted decode latency keeps --max tpotMs=X.',
    },
    space: { type: 'text', value: 'FILE', doc: 'Search space as JSON.' },
    evaluation: { type: 'text', value: 'FILE', doc: 'What a trial takes, as JSON.' },
    probe: PROBE_FLAG,
    pause: { type: 'switch', doc: 'Ask the process that runs --study N to stop after the trials in flight.' },
    'what-if': { type: 'switch', doc: 'Rank --study N under --objectives, --max, --min or --table.' },
    table: { type: 'text', value: 'FILE', doc: 'With --what-if: project whose look-up table predicts the latencies.' },
    environment: { type: 'text', value: 'HASH', doc: 'With --table: which of its tables, by the start of a hash.' },
    lineage: { type: 'text', value: 'TRIAL', doc: 'Ancestors of a trial of --study N, by number, or winner.' },
  },
  params: SEARCH_PARAMS,
  run: async (input, output) => {
    const { text, switches } = input
    const path = text['project']
    if (path === undefined) throw new HeddleError('usage', 'search needs --project FILE')
    const asks = [switches.has('pause'), switches.has('what-if'), text['lineage'] !== undefined].filter(Boolean)
    if (asks.length > 1) throw new HeddleError('usage', 'give one of --pause, --what-if and --lineage')
    const isReading = asks.length > 0
    // a bad flag is refused before a project is made
    const config = isReading || text['study'] !== undefined ? undefined : configOf(input)
    const project = openProject(path, isReading ? { readonly: true } : { create: true })
    try {
      return isReading ? look(project, input, output) : await work(project, input, config, output)
    } finally {
      closeProject(project)
    }
  },
}

async function work(
  project: Project,
  input: CommandInput,
  config: SearchConfig | undefined,
  output: CommandOutput,
): Promise<number> {
  const progress = terminalProgress(process.stderr, { isQuiet: output.isQuiet || output.isJson })
  const handlers = {
    signal: output.signal,
    onStudy: ({ id }: Study) => progress.note(`study ${id}`),
    onTrial: (trial: Parameters<typeof trialLine>[0], study: Study) => {
      if (trial.state !== 'running') progress.note(trialLine(trial, study))
    },
    onProgress: (event: Parameters<typeof progress.update>[0]) => progress.update(event),
  }
  try {
    const outcome =
      config === undefined ? await goOn(project, input, handlers) : await begin(project, input, config, handlers)
    progress.end()
    const { study, trials, finalists, winner, state } = outcome
    output.print(
      output.isJson
        ? JSON.stringify(
            {
              study: study.id,
              state,
              trials,
              finalists: finalists.map(({ trial, predicted, measured }) => ({
                number: trial.number,
                predicted,
                measured,
              })),
              winner: winner ?? null,
            },
            null,
            2,
          )
        : outcomeText(outcome),
    )
    if (output.signal.aborted) return 130
    return state === 'done' && trials.every((trial) => trial.state !== 'done') ? 1 : 0
  } finally {
    progress.end()
  }
}

type Handlers = Parameters<typeof startStudy>[2]

async function begin(
  project: Project,
  { text }: CommandInput,
  config: SearchConfig,
  handlers: Handlers,
): ReturnType<typeof startStudy> {
  for (const name of ['table', 'environment'])
    if (text[name] !== undefined) throw new HeddleError('usage', `--${name} goes with --what-if`)
  return startStudy(project, { name: text['name'] ?? `${config.searcher}, ${config.trials} trials`, config }, handlers)
}

async function goOn(project: Project, input: CommandInput, handlers: Handlers): ReturnType<typeof startStudy> {
  const { text, params, switches } = input
  const fixed = [...Object.keys(text), ...Object.keys(params), ...switches].find(
    (name) => !['project', 'study', 'trials', 'json', 'quiet'].includes(name),
  )
  if (fixed !== undefined)
    throw new HeddleError('usage', `a study keeps its configuration: ${fixed} cannot change`, {
      path: '--study',
      hint: 'only --trials can be raised; --what-if asks about other bounds',
    })
  const trials = params['trials'] as number | undefined
  return resumeStudy(project, { study: studyNumber(text), ...(trials !== undefined && { trials }) }, handlers)
}

/** Answers that run nothing. */
function look(project: Project, { text, switches }: CommandInput, output: CommandOutput): number {
  const id = studyNumber(text)
  const show = (json: unknown, print: () => string): number => {
    output.print(output.isJson ? JSON.stringify(json, null, 2) : print())
    return 0
  }
  if (switches.has('pause')) {
    requestPause(project, id)
    return show({ study: id, requested: 'pause' }, () => `study ${id} will pause after the trials in flight`)
  }
  const study = openSearch(project, id)
  const trials = readTrials(project, study)
  if (text['lineage'] !== undefined) {
    const number = trialNumber(text['lineage'], () => winnerOf(readFinalists(project, study, trials), study))
    const line = ancestorsOf(trials, number)
    if (line.length === 0) throw new HeddleError('usage', `study ${id} has no trial ${number}`, { path: '--lineage' })
    return show(line, () => lineageText(trials, number, study))
  }
  const goal = goalFlags(text)
  const other = text['table'] === undefined ? undefined : openProject(text['table'], { readonly: true })
  try {
    const table =
      other && tableOfProject(other, whatIfConditions(study, goalOf(study, goal, true)), text['environment'])
    const answer = whatIfStudy(study, trials, { goal, ...(table !== undefined && { table }) })
    return show(answer, () => whatIfText(answer, trials, study))
  } finally {
    if (other !== undefined) closeProject(other)
  }
}

function studyNumber({ study }: CommandInput['text']): number {
  const id = Number(study)
  if (study === undefined || !Number.isInteger(id))
    throw new HeddleError('usage', `--study (${study ?? 'none'}) must be a number`, { path: '--study' })
  return id
}

function trialNumber(text: string, winner: () => number | undefined): number {
  const number = text === 'winner' ? winner() : Number(text)
  if (number === undefined) throw new HeddleError('usage', 'the study has no winner yet', { path: '--lineage' })
  if (!Number.isInteger(number))
    throw new HeddleError('usage', `--lineage (${text}) must be the number of a trial, or winner`, {
      path: '--lineage',
    })
  return number
}
