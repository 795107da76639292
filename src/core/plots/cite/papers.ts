// The papers behind the operators and methods: facts of their arXiv records. The year is that of the first version.

export interface Paper {
  readonly arxiv: string
  readonly title: string
  /** Family name and given name of the first author. */
  readonly author: readonly [family: string, given: string]
  /** False: the first author is the only one. */
  readonly hasOthers?: boolean
}

/** Every paper that the registry of blocks, the optimiser, the tasks and the search name. */
export const PAPERS: readonly Paper[] = [
  {
    arxiv: '1608.03983',
    title: 'SGDR: Stochastic Gradient Descent with Warm Restarts',
    author: ['Loshchilov', 'Ilya'],
  },
  { arxiv: '1711.05101', title: 'Decoupled Weight Decay Regularization', author: ['Loshchilov', 'Ilya'] },
  {
    arxiv: '1802.01548',
    title: 'Regularized Evolution for Image Classifier Architecture Search',
    author: ['Real', 'Esteban'],
  },
  { arxiv: '2002.05202', title: 'GLU Variants Improve Transformer', author: ['Shazeer', 'Noam'], hasOthers: false },
  {
    arxiv: '2006.16236',
    title: 'Transformers are RNNs: Fast Autoregressive Transformers with Linear Attention',
    author: ['Katharopoulos', 'Angelos'],
  },
  {
    arxiv: '2104.09864',
    title: 'RoFormer: Enhanced Transformer with Rotary Position Embedding',
    author: ['Su', 'Jianlin'],
  },
  {
    arxiv: '2109.08668',
    title: 'Primer: Searching for Efficient Transformers for Language Modeling',
    author: ['So', 'David R.'],
  },
  { arxiv: '2203.15556', title: 'Training Compute-Optimal Large Language Models', author: ['Hoffmann', 'Jordan'] },
  {
    arxiv: '2305.13245',
    title: 'GQA: Training Generalized Multi-Query Transformer Models from Multi-Head Checkpoints',
    author: ['Ainslie', 'Joshua'],
  },
  {
    arxiv: '2307.08621',
    title: 'Retentive Network: A Successor to Transformer for Large Language Models',
    author: ['Sun', 'Yutao'],
  },
  {
    arxiv: '2312.00752',
    title: 'Mamba: Linear-Time Sequence Modeling with Selective State Spaces',
    author: ['Gu', 'Albert'],
  },
  {
    arxiv: '2312.04927',
    title: 'Zoology: Measuring and Improving Recall in Efficient Language Models',
    author: ['Arora', 'Simran'],
  },
  {
    arxiv: '2312.06635',
    title: 'Gated Linear Attention Transformers with Hardware-Efficient Training',
    author: ['Yang', 'Songlin'],
  },
  { arxiv: '2403.17844', title: 'Mechanistic Design and Scaling of Hybrid Architectures', author: ['Poli', 'Michael'] },
  {
    arxiv: '2405.21060',
    title: 'Transformers are SSMs: Generalized Models and Efficient Algorithms Through Structured State Space Duality',
    author: ['Dao', 'Tri'],
  },
  {
    arxiv: '2406.06484',
    title: 'Parallelizing Linear Transformers with the Delta Rule over Sequence Length',
    author: ['Yang', 'Songlin'],
  },
  {
    arxiv: '2411.12537',
    title: 'Unlocking State-Tracking in Linear RNNs Through Negative Eigenvalues',
    author: ['Grazzi', 'Riccardo'],
  },
  {
    arxiv: '2411.13676',
    title: 'Hymba: A Hybrid-head Architecture for Small Language Models',
    author: ['Dong', 'Xin'],
  },
  {
    arxiv: '2412.06464',
    title: 'Gated Delta Networks: Improving Mamba2 with Delta Rule',
    author: ['Yang', 'Songlin'],
  },
  {
    arxiv: '2503.14456',
    title: 'RWKV-7 "Goose" with Expressive Dynamic State Evolution',
    author: ['Peng', 'Bo'],
  },
  {
    arxiv: '2511.18890',
    title: 'Nemotron-Flash: Towards Latency-Optimal Hybrid Small Language Models',
    author: ['Fu', 'Yonggan'],
  },
]
