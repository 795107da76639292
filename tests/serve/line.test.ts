import { describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { decodeWire, encodeWire } from '#core/wire.ts'
import type { ServerFrame } from '#core/wire.ts'
import { openLine } from '../../src/renderer/line.ts'
import type { ChannelListener, Connect, Line, LineState } from '../../src/renderer/line.ts'
import type { Serving } from '#main/serve/server.ts'
import { start } from './screen.ts'

interface Numbered {
  readonly seq: number
}

/** A line whose other end is the test. */
function scripted(): {
  readonly line: Line<Numbered>
  readonly heard: unknown[]
  readonly sent: unknown[]
  readonly tries: () => number
  say(frame: ServerFrame): void
  end(how: 'lost' | 'refused'): void
} {
  const heard: unknown[] = []
  const sent: unknown[] = []
  const channels: ChannelListener[] = []
  const line = openLine<Numbered>((listener) => {
    channels.push(listener)
    return { send: (text) => sent.push(decodeWire(text)), close: () => {} }
  })
  line.onState((state) => heard.push(state))
  line.onEvent(({ seq }) => heard.push(seq))
  line.onGap(() => heard.push('gap'))
  return {
    line,
    heard,
    sent,
    tries: () => channels.length,
    say: (frame) => channels.at(-1)!.frame(encodeWire(frame)),
    end: (how) => channels.at(-1)!.end(how),
  }
}

const hello = (seq = 0): ServerFrame => ({ hello: { version: '1', readonly: false, seq } })

describe('a line', () => {
  it('sends what waited for it, once, and matches answers', async () => {
    const { line, sent, say } = scripted()
    const [first, second] = [line.call('a.b', { x: 1 }), line.call('c.d')]
    expect(sent).toEqual([])
    say(hello())
    expect(sent).toEqual([
      { id: 1, call: 'a.b', args: { x: 1 } },
      { id: 2, call: 'c.d' },
    ])
    say({ id: 2, ok: false, error: { code: 'store-busy', message: 'no', path: 'p', hint: 'h' } })
    say({ id: 1, ok: true, value: Float64Array.of(1) })
    say({ id: 1, ok: true, value: 'again' })
    expect(await first).toEqual(Float64Array.of(1))
    await expect(second).rejects.toMatchObject({ code: 'store-busy', message: 'no', path: 'p', hint: 'h' })
  })

  it('hears events in order and every gap between them', () => {
    const { heard, say } = scripted()
    say(hello(5))
    for (const seq of [6, 7, 9, 10]) say({ event: { seq } })
    say({ gap: 20 })
    say({ event: { seq: 21 } })
    expect(heard).toEqual(['connecting', 'open', 6, 7, 'gap', 9, 10, 'gap', 21])
  })

  it('comes back after a drop, more and more slowly, and lists again only if it missed something', () => {
    vi.useFakeTimers()
    const { heard, say, end, tries } = scripted()
    say(hello(3))
    end('lost')
    expect([tries(), heard.at(-1)]).toEqual([1, 'lost'])
    const waits = Array.from({ length: 8 }, () => {
      const before = tries()
      let waited = 0
      for (; tries() === before; waited += 10) vi.advanceTimersByTime(10)
      end('lost')
      return waited
    })
    expect(waits[0]).toBeLessThan(400)
    expect(waits[4]).toBeGreaterThan(waits[0]! * 4)
    expect(Math.max(...waits)).toBeLessThanOrEqual(6260)
    vi.advanceTimersByTime(7000)
    say(hello(3))
    expect(heard).toEqual(['connecting', 'open', 'lost', 'open'])
    end('lost')
    vi.advanceTimersByTime(400)
    say(hello(4))
    expect(heard.slice(4)).toEqual(['lost', 'gap', 'open'])
    vi.useRealTimers()
  })

  it('tries again when nobody greets it', () => {
    vi.useFakeTimers()
    const { heard, tries } = scripted()
    vi.advanceTimersByTime(11_000)
    expect([tries(), heard.at(-1)]).toEqual([2, 'lost'])
    vi.useRealTimers()
  })

  it('fails calls that were under way, repeats none, and sends none while it is down', async () => {
    vi.useFakeTimers()
    const { line, sent, say, end } = scripted()
    say(hello())
    const call = line.call('training.start')
    end('lost')
    await expect(call).rejects.toThrow('dropped while training.start was under way')
    await expect(line.call('training.start')).rejects.toThrow('could not be sent')
    vi.advanceTimersByTime(400)
    say(hello())
    expect(line.state).toBe('open')
    expect(sent.length).toBe(1)
    vi.useRealTimers()
  })

  it('ends when it is refused', async () => {
    vi.useFakeTimers()
    const { line, end, tries } = scripted()
    const call = line.call('a.b')
    end('refused')
    await expect(call).rejects.toThrow('no connection')
    vi.advanceTimersByTime(60_000)
    expect([line.state, tries()]).toEqual(['refused', 1])
    vi.useRealTimers()
  })

  it('that is closed does not come back', () => {
    vi.useFakeTimers()
    const { line, say, tries } = scripted()
    say(hello())
    line.close()
    vi.advanceTimersByTime(60_000)
    expect([line.state, tries()]).toEqual(['lost', 1])
    vi.useRealTimers()
  })
})

describe('a line to a server', () => {
  /** As the carrier of the browser, with the headers that a browser adds. */
  const to =
    (server: () => Serving): Connect =>
    (listener) => {
      const { port, token } = server()
      const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`, ['heddle.1', `token.${token}`], {
        origin: `http://127.0.0.1:${port}`,
      })
      socket.on('message', (content) => listener.frame(String(content)))
      socket.on('close', (code) => listener.end(code === 4401 ? 'refused' : 'lost'))
      socket.on('error', () => socket.terminate())
      return { send: (text) => socket.send(text), close: () => socket.close() }
    }

  it('survives its end and finds the next one', async () => {
    let { server, workbench } = await start()
    const line = openLine<Numbered>(to(() => server))
    const states: LineState[] = []
    line.onState((state) => states.push(state))
    const gaps = vi.fn()
    line.onGap(gaps)
    expect(await line.call('echo', { a: 1 })).toEqual({ a: 1 })
    const slow = line.call('slow')
    workbench.emit()
    const [, failure] = await Promise.all([server.close(), slow.catch((error: unknown) => error)])
    expect((failure as Error).message).toContain('dropped while slow was under way')
    ;({ server, workbench } = await start())
    await expect.poll(() => line.state, { timeout: 8000 }).toBe('open')
    expect(await line.call('echo', { b: 2 })).toEqual({ b: 2 })
    expect(workbench.calls).toEqual([{ b: 2 }])
    expect(gaps).toHaveBeenCalledTimes(1)
    expect(states.filter((state) => state === 'open').length).toBe(2)
    line.close()
    await server.close()
  })

  it('is refused with a wrong token', async () => {
    const { server } = await start()
    const line = openLine<Numbered>(to(() => ({ ...server, token: 'wrong' })))
    await expect(line.call('echo')).rejects.toThrow('no connection')
    expect(line.state).toBe('refused')
    await server.close()
  })
})
