import { expect, it } from 'vitest'
import { readYaml, readYamlRecord, YAML_LIMITS } from '#core/notebook/yaml.ts'

it('reads plain data', () => {
  expect(readYaml('a: 1\nb: [x, true, null, 1.5]\nc:\n  d: "e"\n')).toEqual({
    a: 1,
    b: ['x', true, null, 1.5],
    c: { d: 'e' },
  })
  expect(readYamlRecord('')).toEqual({})
})

const bomb = [
  'a: &a [x,x,x,x,x,x,x,x,x]',
  ...'bcdefghi'.split('').map((k, i) => `${k}: &${k} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(',')}]`),
].join('\n')

it.each([
  ['aliases that multiply', bomb],
  ['itself', 'a: &a [*a]'],
  ['brackets without end', '['.repeat(100_000)],
  ['mappings without end', '{a: '.repeat(50_000)],
  ['dashes without end', '- '.repeat(50_000)],
  ['deep blocks', Array.from({ length: 200 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
  ['too long', `a: ${'x'.repeat(YAML_LIMITS.characters)}`],
  ['too many values', `a: [${'1,'.repeat(30_000)}1]`],
  ['a prototype', '__proto__: {polluted: true}'],
  ['a prototype, deeper', 'a: {constructor: {prototype: {polluted: true}}}'],
  ['a name twice', 'a: 1\na: 2'],
  ['infinity', 'a: .inf'],
  ['no document', 'a: [1'],
  ['two documents', 'a: 1\n---\nb: 2'],
])('refuses %s', (_, text) => {
  const started = performance.now()
  expect(() => readYaml(text)).toThrow(expect.objectContaining({ code: 'param-invalid' }))
  expect(performance.now() - started).toBeLessThan(2000)
  expect(({} as { polluted?: true }).polluted).toBeUndefined()
})

it('does nothing for tags', () => {
  for (const text of ['a: !!js/function "x"', '!!binary aGk=', 'a: !include /etc/passwd']) {
    try {
      expect(typeof JSON.stringify(readYaml(text))).toBe('string')
    } catch (error) {
      expect(error).toMatchObject({ code: 'param-invalid' })
    }
  }
})
