import { defineSearcher, freshProposal } from './searcher.ts'

export const randomSearch = defineSearcher({
  kind: 'random',
  title: 'Random search',
  doc: 'Draws every trial at random from the space, after its seed designs, whatever came of the others: the baseline at equal budget (Bergstra & Bengio 2012).',
  params: {},
  propose: freshProposal,
})
