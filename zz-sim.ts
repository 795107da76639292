import { rng } from '#core/rng.ts'
import { spearman, kendall } from '#core/stats/rank.ts'
import { rankCorrelation } from '#core/stats/rank-ci.ts'
const R = Number(process.argv[2] ?? 2000), B = Number(process.argv[3] ?? 0)
for (const n of [5, 8, 12, 24]) for (const rho of [0, 0.6, 0.9, 0.98]) {
  const truth = (6 / Math.PI) * Math.asin(rho / 2)
  const r = rng('s', n, rho)
  const c: Record<string, number> = {}, w: Record<string, number> = {}
  const rec = (k: string, lo: number, hi: number) => { c[k] = (c[k] ?? 0) + Number(lo <= truth && truth <= hi); w[k] = (w[k] ?? 0) + (hi - lo) }
  for (let i = 0; i < R; i++) {
    const x = Array.from({ length: n }, () => r.normal()), y = x.map((v) => rho * v + Math.sqrt(1 - rho * rho) * r.normal())
    const s = spearman(x, y)
    if (s < 1) { const z = Math.atanh(s), se = Math.sqrt((1 + s * s / 2) / (n - 3)); rec('bw', Math.tanh(z - 1.96 * se), Math.tanh(z + 1.96 * se)) }
    // shrunk so that a perfect order has a finite z
    { const sh = Math.max(-1, Math.min(1, s)); const m = 1 - 1 / (n * n * 1.0); const t = Math.max(-m, Math.min(m, sh)); const z = Math.atanh(t), se = Math.sqrt((1 + t * t / 2) / (n - 3)); rec('bwc', Math.tanh(z - 1.96 * se), Math.tanh(z + 1.96 * se)) }
    if (B > 0) { for (const method of ['bca', 'percentile'] as const) { const q = rankCorrelation(x, y, { rng: r, resamples: B, method }); rec(method, q.low, q.high) } }
  }
  console.log(n, rho, truth.toFixed(3), Object.entries(c).map(([k, v]) => `${k} ${(100 * v / R).toFixed(1)}% w ${(w[k]! / R).toFixed(2)}`).join('  '))
}
