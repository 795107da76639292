import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HeddleError } from '#core/errors.ts'
import { newToken } from '#main/serve/guard.ts'
import { serve } from '#main/serve/server.ts'
import type { Serving } from '#main/serve/server.ts'
import { get, open, pages, refusal, standIn, start } from './screen.ts'
import type { StandIn } from './screen.ts'

let server: Serving
let workbench: StandIn
beforeAll(async () => {
  ;({ server, workbench } = await start())
})
afterAll(() => server.close())

describe('pages', () => {
  it('come with headers that keep them to themselves', async () => {
    const { status, headers, body } = await get(server.port, '/')
    expect([status, body]).toEqual([200, '<title>Heddle</title>'])
    const policy = headers['content-security-policy']
    expect(policy).toContain("default-src 'self'; script-src 'self';")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/unsafe-eval|script-src[^;]*unsafe-inline/)
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'content-type': 'text/html; charset=utf-8',
    })
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  it('are found by their exact path only', async () => {
    expect((await get(server.port, '/assets/a-1.js')).body).toBe('void 0')
    const paths = [
      '/package.json',
      '/../package.json',
      '/..%2fpackage.json',
      '/assets/../../package.json',
      '//etc/passwd',
    ]
    for (const path of [
      ...paths,
      '/%2e%2e/%2e%2e/etc/passwd',
      '/assets',
      '/assets/',
      '/\\..\\package.json',
      '/__proto__',
    ])
      expect([path, (await get(server.port, path)).status]).toEqual([path, 404])
    expect((await get(server.port, `/?token=${server.token}`)).status).toBe(200)
  })

  it('answer GET and HEAD only', async () => {
    expect(await get(server.port, '/', {}, 'HEAD')).toMatchObject({ status: 200, body: '' })
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])
      expect((await get(server.port, '/', {}, method)).status, method).toBe(405)
  })

  it.each([
    'evil.example',
    'evil.example:80',
    '127.0.0.1.evil.example',
    'localhost@evil.example',
    '0.0.0.0',
    '169.254.169.254',
  ])('are not given to the host name %s', async (host) => {
    expect((await get(server.port, '/', { host })).status).toBe(403)
  })

  it.each(['localhost', 'localhost:8000', '127.0.0.1:9', '[::1]:80', 'LOCALHOST'])('are given to %s', async (host) => {
    expect((await get(server.port, '/', { host })).status).toBe(200)
  })
})

describe('the socket', () => {
  it('greets who has the token, and answers', async () => {
    const screen = open(server)
    expect((await screen.next((f) => 'hello' in f))['hello']).toMatchObject({ readonly: false, seq: workbench.seq })
    expect(screen.socket.protocol).toBe('heddle.1')
    expect(await screen.call('echo', { a: Float64Array.of(1, Number.NaN), b: Infinity })).toEqual({
      id: 1,
      ok: true,
      value: { a: Float64Array.of(1, Number.NaN), b: Infinity },
    })
    expect(await screen.call('other')).toMatchObject({
      ok: false,
      error: { code: 'usage', path: 'name', hint: 'look' },
    })
    workbench.emit()
    expect((await screen.next((f) => 'event' in f))['event']).toMatchObject({ seq: workbench.seq })
    screen.socket.close()
  })

  it.each([
    ['a wrong token', () => ['heddle.1', `token.${newToken()}`]],
    ['an empty token', () => ['heddle.1', 'token.']],
    ['no token', () => ['heddle.1']],
    ['the beginning of the token', () => ['heddle.1', `token.${server.token.slice(0, -1)}`]],
    ['the token in other letters', () => ['heddle.1', `token.${server.token.toUpperCase()}`]],
    ['more than the token', () => ['heddle.1', `token.${server.token}a`]],
    ['the token for another protocol', () => [`token.${server.token}`]],
  ] as const)('is closed on %s', async (_, protocols) => {
    const before = workbench.calls.length
    const screen = open(server, { protocols: protocols() })
    screen.socket.on('open', () => screen.socket.send('{"id":1,"call":"echo"}'))
    const [code] = await screen.closed
    expect(code === 4401 || code === 1006).toBe(true)
    expect(screen.frames).toEqual([])
    expect(workbench.calls.length).toBe(before)
  })

  it.each([
    ['a foreign origin', { origin: 'http://evil.example' }],
    ['another port of this machine', { origin: 'http://127.0.0.1:1' }],
    ['a page of a file', { origin: 'null' }],
    ['no origin', { origin: undefined }],
    ['https', { origin: 'https://127.0.0.1' }],
    ['a foreign host', { host: 'evil.example' }],
    ['a foreign host with its own origin', { host: 'evil.example', origin: 'http://evil.example' }],
  ])('is refused to %s', async (_, knock) => {
    expect(await refusal(open(server, knock))).toBe(403)
  })

  it('is at one path', async () => {
    expect(await refusal(open(server, { path: '/' }))).toBe(404)
    expect(await refusal(open(server, { path: '/socket?token=a' }))).toBe(404)
  })

  it('goes through a tunnel with another port', async () => {
    const screen = open(server, { host: 'localhost:8000', origin: 'http://localhost:8000' })
    await screen.next((f) => 'hello' in f)
    screen.socket.close()
  })

  it('forgets a screen that has gone', async () => {
    const screen = open(server)
    await screen.next((f) => 'hello' in f)
    screen.socket.terminate()
    await expect.poll(() => workbench.listeners).toBe(0)
  })
})

describe('limits', () => {
  it('on screens: one too many is told so', async () => {
    const { server } = await start({ limits: { screens: 2 } })
    const screens = [open(server), open(server)]
    await Promise.all(screens.map((screen) => screen.next((f) => 'hello' in f)))
    expect((await open(server).closed)[0]).toBe(1013)
    screens[0]!.socket.close()
    await screens[0]!.closed
    await open(server).next((f) => 'hello' in f)
    await server.close()
  })

  it('on connections: more are dropped', async () => {
    const { server } = await start({ limits: { connections: 3 } })
    const sockets = Array.from({ length: 8 }, () => connect(server.port, '127.0.0.1'))
    for (const socket of sockets) socket.on('error', () => socket.destroy())
    await expect.poll(() => sockets.filter((socket) => socket.closed).length).toBe(5)
    for (const socket of sockets) socket.destroy()
    await server.close()
  })

  it('on the time to say something', async () => {
    const { server } = await start({ limits: { requestMs: 200 } })
    for (const text of ['', 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ']) {
      const socket = connect(server.port, '127.0.0.1', () => socket.write(text))
      const began = performance.now()
      await new Promise((done) => socket.on('close', done).resume())
      expect(performance.now() - began).toBeLessThan(3000)
    }
    await server.close()
  })

  it('on a screen that does not answer pings', async () => {
    const { server, workbench } = await start({ limits: { pingMs: 100 } })
    const deaf = open(server)
    await deaf.next((f) => 'hello' in f)
    // a paused socket reads no ping
    deaf.socket.pause()
    await expect.poll(() => workbench.listeners).toBe(0)
    deaf.socket.terminate()
    const alive = open(server)
    await alive.next((f) => 'hello' in f)
    await new Promise((done) => setTimeout(done, 400))
    expect(workbench.listeners).toBe(1)
    await server.close()
  })
})

it('says that it closes', async () => {
  const { server } = await start()
  const screen = open(server)
  await screen.next((f) => 'hello' in f)
  const began = performance.now()
  await server.close()
  expect(await screen.closed).toEqual([1001, 'heddle was closed'])
  expect(performance.now() - began).toBeLessThan(900)
})

it('says which port is in use, and what to do', async () => {
  const second = serve({ workbench: standIn(), pages, port: server.port, readonly: false })
  await expect(second).rejects.toThrow(`port ${server.port} is in use`)
  await expect(second).rejects.toBeInstanceOf(HeddleError)
  await expect(second).rejects.toMatchObject({ hint: '--port 0 takes any free port' })
})

it('gives a token of 256 bits in the fragment', () => {
  const { hash, search, hostname } = new URL(server.url)
  expect([search, hostname]).toEqual(['', '127.0.0.1'])
  expect(Buffer.from(hash.replace('#token=', ''), 'base64url').length).toBe(32)
  expect(newToken()).not.toBe(newToken())
})
