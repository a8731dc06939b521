// A server that answers the greeting and then nothing, or late: nobody waits for ever, and nothing stays open that came too late.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TimeoutError } from '../../../src/errors.ts'
import type { LocalFiles, LocalFolder } from '../../../src/sftp/transfer/local.ts'
import { patientRemote } from '../../../src/sftp/transfer/patience.ts'
import type { Remote, RemoteFile } from '../../../src/sftp/transfer/remote.ts'
import { Transfers } from '../../../src/sftp/transfer/transfers.ts'
import { virtualClock } from '../../../src/testing/clock.ts'
import { settled } from './rig.ts'

const never = new Promise<never>(() => {})
const silent = (some: Partial<Remote>): Remote => {
  const unused = (): never => assert.fail('not asked for here')
  return {
    limits: { read: 1000, write: 1000, handles: undefined },
    limitsKnown: Promise.resolve(),
    open: () => never,
    list: unused,
    stat: () => never,
    lstat: unused,
    setAttributes: unused,
    makeDirectory: unused,
    remove: unused,
    rename: unused,
    readLink: unused,
    realPath: unused,
    symlink: unused,
    hash: unused,
    ...some,
  }
}
const isLate = (error: unknown): boolean => error instanceof TimeoutError && error.phase === 'transfer'

describe('a server that has fallen silent', () => {
  it('is not waited for in the middle of a directory', async () => {
    const clock = virtualClock()
    const remote = silent({
      async *list() {
        yield [{ name: 'a', attributes: {} }]
        await never
      },
    })
    const entries = patientRemote(remote, { clock, milliseconds: 1000 }).list('/d')[Symbol.asyncIterator]()
    assert.deepEqual((await entries.next()).value, [{ name: 'a', attributes: {} }])
    const next = assert.rejects(entries.next(), isLate)
    clock.advance(999)
    await settled()
    clock.advance(1)
    await next
  })

  it('is left when a directory is not wanted to its end', async () => {
    let left = false
    const remote = silent({
      async *list() {
        try {
          for (;;) yield [{ name: 'a', attributes: {} }]
        } finally {
          left = true
        }
      },
    })
    for await (const [entry] of patientRemote(remote, { clock: virtualClock(), milliseconds: 1000 }).list('/d')) {
      assert.equal(entry.name, 'a')
      break
    }
    await settled()
    assert.ok(left)
  })

  it('and opens a file all the same has it closed again', async () => {
    const clock = virtualClock()
    let closed = 0
    const opening = Promise.withResolvers<RemoteFile>()
    const patient = patientRemote(silent({ open: () => opening.promise }), { clock, milliseconds: 1000 })
    const opened = assert.rejects(patient.open('/f', { read: true }, {}), isLate)
    clock.advance(1000)
    await opened
    opening.resolve({
      close: async () => {
        closed++
      },
    } as unknown as RemoteFile)
    await settled()
    assert.equal(closed, 1)
  })

  it('does not say its limits, and is asked without them', async () => {
    const clock = virtualClock()
    const asked: string[] = []
    const remote = silent({
      limitsKnown: never,
      stat: async path => {
        asked.push(`stat ${path}`)
        return { size: 3 }
      },
      open: path => {
        asked.push(`open ${path}`)
        return never
      },
    })
    const transfers = new Transfers({ remote, local: undefined, clock })
    const reading = assert.rejects(transfers.readFile('/f', { stallTimeout: 1000 }), isLate)
    await settled()
    assert.deepEqual(asked, ['stat /f'], 'the first question waits for no limits')
    clock.advance(1000)
    await settled()
    assert.deepEqual(asked, ['stat /f', 'open /f'])
    clock.advance(1000)
    await reading
  })

  it('is given up at once when the caller does', async () => {
    const stop = new AbortController()
    const transfers = new Transfers({ remote: silent({ limitsKnown: never }), local: undefined, clock: virtualClock() })
    const reading = assert.rejects(transfers.readFile('/f', { signal: stop.signal }), /enough/)
    await settled()
    stop.abort(new Error('enough'))
    await reading
  })
})

describe('a signal', () => {
  it('that fires while the folder here is opened ends a tree before it begins', async () => {
    const stop = new AbortController()
    const folder = { path: '/here', close: async () => {}, sameName: () => undefined } as unknown as LocalFolder
    const local = {
      locate: async () => ({ folder: '/here', name: '', attributes: { type: 'directory' as const } }),
      folder: async () => {
        stop.abort(new Error('enough'))
        return folder
      },
    } as unknown as LocalFiles
    const remote = silent({ stat: async () => ({ type: 'directory' }), list: async function* () {} })
    const transfers = new Transfers({ remote, local, clock: virtualClock() })
    await assert.rejects(transfers.download('/d', '/here', { recursive: true, signal: stop.signal }), /enough/)
  })
})
