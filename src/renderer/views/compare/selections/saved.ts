// A saved selection of runs, as the project keeps it.

/** The body of the document. */
export const selectionOfRuns = (runs: readonly number[]): { readonly of: 'run'; readonly ids: readonly number[] } => ({
  of: 'run',
  ids: [...runs],
})

/** The runs of a saved selection; undefined where the document holds something else. */
export function runsOfSelection(body: Readonly<Record<string, unknown>>): number[] | undefined {
  const { of, ids } = body
  if (of !== 'run' || !Array.isArray(ids)) return undefined
  return ids.filter((id): id is number => typeof id === 'number' && Number.isSafeInteger(id) && id > 0)
}
