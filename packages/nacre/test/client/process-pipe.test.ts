// A protocol over a process's streams hears why the process ended, wherever it notices first.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ProcessTap, Process } from '../../src/client/process.ts'
import { processPipe } from '../../src/client/process-pipe.ts'
import type { Exit } from '../../src/errors.ts'

const closed = new Error('The channel is closed.')

/** A process that ended before anything could be written to it. */
const ended = (exit: Promise<Exit>, said = ''): Process => {
  const process = {
    exited: exit,
    write: (): Promise<void> => Promise.reject(closed),
    tap: (tap: ProcessTap): void => void tap.stderr?.(new TextEncoder().encode(said), false),
  }
  return process as unknown as Process
}

describe('a pipe to a process that has ended', () => {
  it('fails to write for the reason that the process ended', async () => {
    const pipe = processPipe(ended(Promise.resolve({ code: 127 }), 'sh: no-such-server: not found\n'))
    pipe.tap({ data: () => undefined, end: () => {} })
    await assert.rejects(
      async () => await pipe.write(Uint8Array.of(1)),
      /ended with status 127 and said "sh: no-such-server: not found"\. The program was not found there/,
    )
  })
  it('fails as the channel says when the process ended in order, or nobody knows how', async () => {
    for (const exit of [Promise.resolve<Exit>({ code: 0 }), Promise.reject<Exit>(new Error('lost'))]) {
      exit.catch(() => {})
      await assert.rejects(async () => await processPipe(ended(exit)).write(Uint8Array.of(1)), closed)
    }
  })
})
