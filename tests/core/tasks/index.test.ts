import { readdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { taskOf, tasks } from '#core/tasks/index.ts'

const SHARED = ['index.ts', 'sampling.ts', 'task.ts']

it('lists the task of every file in the folder', () => {
  const files = readdirSync(new URL('../../../src/core/tasks', import.meta.url)).filter(
    (file) => !SHARED.includes(file),
  )
  expect(tasks.map((task) => `${task.kind}.ts`).sort()).toEqual(files.sort())
})

it('finds a task by its kind', () => {
  for (const task of tasks) expect(taskOf(task.kind)).toBe(task)
})

it.each(['', 'nonsense', 'toString'])('names the tasks there are when asked for %j', (kind) => {
  expect(() => taskOf(kind)).toThrow(
    expect.objectContaining({
      code: 'usage',
      message: `there is no task "${kind}"`,
      hint: expect.stringContaining('mqar, needle'),
    }),
  )
})
