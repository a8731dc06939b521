// Owns pipes over streams and processes: bytes both ways, holding back, ends, exit codes, and a limit on speed.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { PassThrough, Writable } from 'node:stream'
import { describe, test } from 'node:test'
import type { BytePipe } from 'nacre/sftp'
import { limitedPipe, pipeOfChild, pipeOfStreams } from '../../src/transfer/pipes.ts'

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value)

/** Collects what comes; resolves at the end. */
const collected = (pipe: BytePipe): Promise<{ readonly all: string; readonly error: Error | undefined }> =>
  new Promise(resolve => {
    let all = ''
    pipe.tap({ data: chunk => void (all += text(chunk)), end: error => resolve({ all, error }) })
  })

describe('over streams', () => {
  test('bytes go both ways, and the end comes once', async () => {
    const [input, output] = [new PassThrough(), new PassThrough()]
    const pipe = pipeOfStreams(input, output)
    const got = collected(pipe)
    input.write('one ')
    input.end('two')
    await pipe.write(bytes('back'))
    pipe.end()
    assert.deepEqual(await got, { all: 'one two', error: undefined })
    assert.equal(String(output.read()), 'back')
  })
  test('bytes are given up only once they have left: whoever writes may use their place again', async () => {
    const kept: { readonly chunk: Uint8Array; readonly done: () => void }[] = []
    const slow = new Writable({ highWaterMark: 1_000_000, write: (chunk: Uint8Array, _encoding, done) => void kept.push({ chunk, done }) })
    const pipe = pipeOfStreams(new PassThrough(), slow)
    const first = pipe.write(bytes('first'))
    const second = pipe.write(bytes('second'))
    assert.ok(first instanceof Promise && second instanceof Promise, 'though the stream is far from full')
    kept[0].done()
    await first
    await new Promise(setImmediate)
    kept[1].done()
    await second
    assert.deepEqual(
      kept.map(each => text(each.chunk)),
      ['first', 'second'],
    )
  })
  test('a writer is told when all are gone', async () => {
    const stuck = new Writable({ write: () => {} })
    const pipe = pipeOfStreams(new PassThrough(), stuck)
    const waiting = pipe.write(bytes('more'))
    stuck.destroy()
    await assert.rejects(Promise.resolve(waiting), /gone/)
    await assert.rejects(Promise.resolve(pipe.write(bytes('x'))), /gone/)
  })
  test('a tap that holds back is sent no more meanwhile', async () => {
    const input = new PassThrough()
    const seen: string[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    const done = new Promise<void>(ended =>
      pipeOfStreams(input, new PassThrough()).tap({
        data: chunk => {
          seen.push(text(chunk))
          return seen.length === 1 ? promise : undefined
        },
        end: () => ended(),
      }),
    )
    input.write('first')
    await new Promise(setImmediate)
    input.write('second')
    await new Promise(setImmediate)
    assert.deepEqual(seen, ['first'])
    resolve()
    input.end()
    await done
    assert.equal(seen.join(' '), 'first second')
  })
  test('an input that breaks says why', async () => {
    const input = new PassThrough()
    const got = collected(pipeOfStreams(input, new PassThrough()))
    input.destroy(new Error('torn'))
    assert.match(String((await got).error), /torn/)
  })
})

describe('over a process', () => {
  const run = (program: string, ...words: readonly string[]) =>
    pipeOfChild(spawn(program, words, { stdio: ['pipe', 'pipe', 'ignore'] }), program)
  test('bytes go through, and its exit code is told', async () => {
    const pipe = run('sh', '-c', 'cat; exit 3')
    const got = collected(pipe)
    await pipe.write(bytes('through'))
    pipe.end()
    assert.equal((await got).all, 'through')
    assert.equal(await pipe.exited, 3)
  })
  test('one that is killed has 255', async () => {
    const pipe = run('sleep', '600')
    pipe.abort()
    assert.equal(await pipe.exited, 255)
  })
  test('one that is not there says so', async () => {
    await assert.rejects(run('/no/such/program').exited, /\/no\/such\/program could not be started/)
  })
})

test('a limit holds both directions back, and loses nothing', async () => {
  const [input, output] = [new PassThrough(), new PassThrough()]
  const pipe = limitedPipe(pipeOfStreams(input, output), 8_000_000)
  const seen: string[] = []
  const done = new Promise<void>(ended => pipe.tap({ data: chunk => void seen.push(text(chunk)), end: () => ended() }))
  input.end('x'.repeat(10_000))
  const sent = pipe.write(bytes('y'.repeat(10_000)))
  assert.ok(sent instanceof Promise, 'ten thousand bytes take ten milliseconds')
  await sent
  await done
  assert.equal(seen.join('').length, 10_000)
  assert.equal(String(output.read()).length, 10_000)
})
