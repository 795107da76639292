// What the shell says when the line to the workbench is not open.

export type Connection = 'connecting' | 'open' | 'lost' | 'refused'

/** One line for each state; undefined where nothing needs to be said. */
export function connectionText(state: Connection): string | undefined {
  if (state === 'lost')
    return 'The connection to Heddle was lost; trying again. Nothing that was recorded is lost, and running work goes on.'
  if (state === 'refused')
    return 'This address is not valid any more. Open the one that heddle serve printed when it was started.'
  return undefined
}
