// The writable of a channel: a standard stream that can be piped into, with a shortcut for text beside it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { byteWritable } from '../../src/io/channel-streams.ts'

const target = () => {
  const log: unknown[] = []
  let close: (cause: Error) => void = () => {}
  const waiting: PromiseWithResolvers<void>[] = []
  let room = Number.POSITIVE_INFINITY
  return {
    log,
    /** How many more writes are taken at once. */
    limit(count: number): void {
      room = count
    },
    letGo(): void {
      for (const each of waiting.splice(0)) each.resolve()
    },
    closed: (cause: Error) => close(cause),
    stream: byteWritable({
      write(bytes) {
        log.push(new TextDecoder().decode(bytes))
        if (room-- > 0) return undefined
        const later = Promise.withResolvers<void>()
        waiting.push(later)
        return later.promise
      },
      end: () => log.push('end'),
      abort: () => log.push('abort'),
      whenClosed: listener => {
        close = listener
      },
    }),
  }
}

describe('a channel’s writable', () => {
  it('can be piped into, and is ended by the pipe', async () => {
    const { stream, log } = target()
    await new Blob(['one ', 'two']).stream().pipeTo(stream)
    assert.equal(log.slice(0, -1).join(''), 'one two')
    assert.equal(log.at(-1), 'end')
  })
  it('takes text and bytes without a writer', async () => {
    const { stream, log } = target()
    await stream.write('text')
    await stream.write(new TextEncoder().encode('bytes'))
    await stream.end()
    assert.deepEqual(log, ['text', 'bytes', 'end'])
  })
  it('holds a pipe back while the channel has no room', async () => {
    const at = target()
    at.limit(1)
    let pulled = 0
    const source = new ReadableStream<Uint8Array>(
      { pull: controller => (pulled++, controller.enqueue(new TextEncoder().encode('x'))) },
      { highWaterMark: 0 },
    )
    void source.pipeTo(at.stream).catch(() => {})
    await new Promise(resolve => setImmediate(resolve))
    assert.ok(pulled <= 4, `${pulled} chunks were pulled`)
    at.closed(new Error('over'))
  })
  it('fails a pipe when the channel closes, even if the source has nothing to say', async () => {
    const { stream, closed } = target()
    let cancelled: unknown
    const source = new ReadableStream<Uint8Array>({ cancel: reason => void (cancelled = reason) })
    const piping = source.pipeTo(stream)
    const cause = new Error('the channel closed')
    closed(cause)
    await assert.rejects(piping, (error: unknown) => error === cause)
    assert.equal(cancelled, cause)
  })
  it('aborts the channel when it is aborted', async () => {
    const { stream, log } = target()
    await stream.abort(new Error('no'))
    assert.deepEqual(log, ['abort'])
  })
})
