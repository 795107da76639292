// The policies of pages: that of the screens, and that of the frame in which code of notebooks runs.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { pageHeaders } from '#main/serve/pages.ts'
import { root } from '../../scripts/commands.ts'

it('the frame of code has no network, no origin, and only this program may hold it', () => {
  const headers = pageHeaders('/frame.html', 'ws://127.0.0.1:1')
  const rules = new Map(
    headers['Content-Security-Policy']!.split('; ').map((rule) => [rule.split(' ')[0], rule.split(' ').slice(1)]),
  )
  expect(rules.get('default-src')).toEqual(["'none'"])
  expect(rules.get('sandbox')).toEqual(['allow-scripts'])
  expect(rules.get('frame-ancestors')).toEqual(["'self'"])
  expect(rules.has('connect-src')).toBe(false)
  expect(headers['Content-Security-Policy']).not.toMatch(/unsafe-eval|allow-same-origin|https?:|ws:/)
  expect(headers['X-Frame-Options']).toBe('SAMEORIGIN')
})

it('every other page refuses to be framed and runs scripts of its own only', () => {
  for (const path of ['/', '/index.html', '/frame.html/x', '/assets/frame.html']) {
    const headers = pageHeaders(path)
    expect(headers['Content-Security-Policy']).toContain("script-src 'self'")
    expect(headers['Content-Security-Policy']).toContain("frame-ancestors 'none'")
    expect(headers['X-Frame-Options']).toBe('DENY')
  }
})

it('the frame brings its script along and asks for nothing', () => {
  const page = readFileSync(join(root, 'src/renderer/public/frame.html'), 'utf8')
  expect(page).not.toMatch(/src=|href=|import\s|fetch\(|XMLHttpRequest/)
})
