import { describe, expect, it } from 'vitest'
import { once } from 'node:events'
import { open, start } from './screen.ts'
import type { Frame } from './screen.ts'

const hello = (f: Frame): boolean => 'hello' in f

describe('malformed messages', () => {
  it.each([
    ['', 'could not be read'],
    ['null', 'no object'],
    ['[1]', 'needs an id'],
    ['{"id":1}', 'needs an id'],
    ['{"id":1.5,"call":"echo"}', 'needs an id'],
    ['{"id":-1,"call":"echo"}', 'needs an id'],
    ['{"id":"1","call":"echo"}', 'needs an id'],
    ['{"id":1,"call":["echo"]}', 'needs an id'],
    ['{"id":1,"call":"echo","args":{"$f64":"?"}}', 'could not be read'],
    ['['.repeat(100_000), 'could not be read'],
    [`{"id":1,"call":"echo","args":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}`, 'could not be read'],
  ])('%.30s gets an answer and nothing else', async (text, message) => {
    const { server, workbench } = await start()
    const screen = open(server)
    await screen.next(hello)
    screen.socket.send(text)
    const answer = await screen.next((f) => f['id'] === 0)
    expect(answer).toMatchObject({ ok: false, error: { code: 'usage' } })
    expect((answer['error'] as { message: string }).message).toContain(message)
    expect(await screen.call('echo', { a: 1 })).toMatchObject({ ok: true })
    expect(workbench.calls).toEqual([{ a: 1 }])
    await server.close()
  })

  it('of bytes close the socket', async () => {
    const { server, workbench } = await start()
    const screen = open(server)
    await screen.next(hello)
    screen.socket.send(Buffer.from('{"id":1,"call":"echo"}'), { binary: true })
    expect((await screen.closed)[0]).toBe(1003)
    expect(workbench.calls).toEqual([])
    await server.close()
  })

  it('that are too long close the socket, and only that one', async () => {
    const { server, workbench } = await start()
    const [long, other] = [open(server), open(server)]
    await Promise.all([long.next(hello), other.next(hello)])
    long.socket.send(`{"id":1,"call":"echo","args":{"a":"${'x'.repeat(9 * 2 ** 20)}"}}`)
    expect((await long.closed)[0]).toBe(1009)
    expect(workbench.calls).toEqual([])
    expect(await other.call('echo', { a: 'x'.repeat(7 * 2 ** 20) })).toMatchObject({ ok: true })
    await server.close()
  })
})

describe('calls', () => {
  it('that fail by a fault of the program are told apart and end nothing', async () => {
    const { server } = await start()
    const screen = open(server)
    const write = process.stderr.write.bind(process.stderr)
    let log = ''
    process.stderr.write = (text) => ((log += String(text)), true)
    expect(await screen.call('fail')).toMatchObject({ ok: false, error: { message: 'a fault of the program' } })
    process.stderr.write = write
    expect(log).toContain('TypeError: a fault of the program')
    expect(await screen.call('echo', {})).toMatchObject({ ok: true })
    await server.close()
  })

  it('are refused above the number that may run at once', async () => {
    const { server, workbench } = await start({ limits: { concurrentCalls: 3 } })
    const screen = open(server)
    await screen.next(hello)
    const slow = [1, 2, 3].map(() => screen.call('slow'))
    expect(await screen.call('echo')).toMatchObject({ ok: false, error: { message: '3 calls are running' } })
    workbench.release()
    await Promise.all(slow)
    expect(await screen.call('echo', {})).toMatchObject({ ok: true })
    await server.close()
  })

  it('are slowed down to the rate, and all answered', async () => {
    const { server, workbench } = await start({ limits: { callsPerSecond: 100, concurrentCalls: 1000 } })
    const [fast, calm] = [open(server), open(server)]
    await Promise.all([fast.next(hello), calm.next(hello)])
    const began = performance.now()
    const flood = Array.from({ length: 200 }, (_, i) => fast.call('echo', { i }))
    const answered = calm.call('echo', { calm: true }).then(() => performance.now() - began)
    await Promise.all(flood)
    expect(performance.now() - began).toBeGreaterThan(800)
    // another screen does not wait for it
    expect(await answered).toBeLessThan(500)
    expect(workbench.calls.length).toBe(201)
    await server.close()
  })

  it('of a screen that has gone end without a trace', async () => {
    const { server, workbench } = await start()
    const screen = open(server)
    await screen.next(hello)
    screen.socket.send('{"id":1,"call":"slow"}')
    screen.socket.close()
    await screen.closed
    workbench.release()
    expect(await open(server).call('echo', {})).toMatchObject({ ok: true })
    await server.close()
  })
})

describe('a slow screen', () => {
  const padding = 'x'.repeat(2 ** 16)

  it('misses events, is told so, and holds up nobody', async () => {
    const { server, workbench } = await start({ limits: { eventBacklogBytes: 2 ** 20 } })
    const [slow, other] = [open(server), open(server)]
    await Promise.all([slow.next(hello), other.next(hello)])
    slow.socket.pause()
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < 1000; i++) {
      workbench.emit(padding)
      await other.next((f) => (f['event'] as { seq?: number } | undefined)?.seq === workbench.seq)
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * 2 ** 16)
    expect(other.frames.filter((f) => 'event' in f).length).toBe(1000)
    slow.socket.resume()
    expect(await slow.next((f) => 'gap' in f)).toEqual({ gap: 1000 })
    workbench.emit()
    await slow.next((f) => (f['event'] as { seq?: number } | undefined)?.seq === 1001)
    // what did come is in order, up to the gap
    const seqs = slow.frames.flatMap((f) => ('event' in f ? [(f['event'] as { seq: number }).seq] : []))
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b))
    expect(seqs.length).toBeLessThan(1000)
    await server.close()
  })

  it('is not read from while its answers wait', async () => {
    const { server, workbench } = await start({ limits: { backlogBytes: 2 ** 20, callsPerSecond: 1e6 } })
    const screen = open(server)
    await once(screen.socket, 'open')
    screen.socket.pause()
    const calls = Array.from({ length: 300 }, (_, i) => screen.call('echo', { i, padding }))
    await new Promise((done) => setTimeout(done, 500))
    expect(workbench.calls.length).toBeLessThan(300)
    screen.socket.resume()
    expect((await Promise.all(calls)).every((answer) => answer['ok'] === true)).toBe(true)
    await server.close()
  })
})
