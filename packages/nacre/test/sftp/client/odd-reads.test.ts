// Reading from servers that answer in odd ways: what is read is the file, or the call rejects.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SftpError } from '../../../src/errors.ts'
import type { Sftp } from '../../../src/sftp/client/sftp.ts'
import type { Attributes } from '../../../src/sftp/attributes.ts'
import { patternBytes } from './pair.ts'
import { type Asked, begun, errorOf, type ScriptedServer, settled } from './scripted.ts'
import { bytesIn } from './stream-bytes.ts'

const length = 500_000
const content = patternBytes(length, 7)

interface ReadAsked {
  readonly id: number
  readonly offset: number
  readonly count: number
  /** How many reads came before. */
  readonly index: number
}

interface Odd {
  /** What STAT and FSTAT say. */
  readonly attributes?: () => Attributes
  readonly read: (server: ScriptedServer, asked: ReadAsked) => void
}

const honest = (server: ScriptedServer, { id, offset, count }: ReadAsked, bytes = content): void => {
  if (offset >= bytes.length) server.status(id, 1)
  else server.data(id, bytes.subarray(offset, offset + count))
}

const oddServer = async ({
  attributes = () => ({ type: 'file', size: length }),
  read,
}: Odd): Promise<{ files: Sftp; server: ScriptedServer; closed: () => boolean }> => {
  const { server, files } = await begun()
  let index = 0
  let closed = false
  server.respond = ({ type, id, body }: Asked) => {
    if (type === 'SSH_FXP_OPEN') server.handle(id, 'f')
    else if (type === 'SSH_FXP_STAT' || type === 'SSH_FXP_FSTAT') server.attributes(id, attributes())
    else if (type === 'SSH_FXP_READ') {
      body.string()
      read(server, { id, offset: Number(body.uint64()), count: body.uint32(), index: index++ })
    } else {
      closed = type === 'SSH_FXP_CLOSE'
      server.status(id, 0)
    }
  }
  return { files, server, closed: () => closed }
}

/** Every way to read all of it. */
const ways: Readonly<Record<string, (files: Sftp) => Promise<Uint8Array>>> = {
  readFile: files => files.readFile('/f'),
  readable: files => bytesIn(files.readable('/f')),
  'RemoteFile.read': async files => {
    await using file = await files.open('/f')
    return await file.read(0, length + 10)
  },
}

const holding: ReadAsked[] = []
const good: Readonly<Record<string, () => Odd>> = {
  'an honest server': () => ({ read: honest }),
  'short reads': () => ({ read: (server, asked) => honest(server, { ...asked, count: Math.min(asked.count, 10_000) }) }),
  'short reads at random': () => ({
    read: (server, asked) => honest(server, { ...asked, count: Math.max(1, Math.min(asked.count, (asked.index * 7919) % 32_768)) }),
  }),
  'answers in reverse': () => {
    holding.length = 0
    return {
      read: (server, asked) => {
        if (holding.push(asked) > 1) return
        setTimeout(() => {
          for (const each of holding.splice(0).toReversed()) honest(server, each)
        }, 0)
      },
    }
  },
  'no data where EOF belongs': () => ({
    read: (server, asked) => (asked.offset >= length ? server.data(asked.id, new Uint8Array(0)) : honest(server, asked)),
  }),
  'an end in the middle that is none, once': () => {
    let lied = false
    return {
      read: (server, asked) => {
        if (!lied && asked.offset > 100_000) {
          lied = true
          server.status(asked.id, 1)
        } else honest(server, asked)
      },
    }
  },
  'a size that is not known': () => ({ attributes: () => ({ type: 'file' }), read: honest }),
  'a size of 0, as in /proc': () => ({ attributes: () => ({ type: 'file', size: 0 }), read: honest }),
  'a file that has grown since': () => ({ attributes: () => ({ type: 'file', size: 300_000 }), read: honest }),
}

describe('the file is read whole from', () => {
  for (const [what, odd] of Object.entries(good))
    for (const [way, readAll] of Object.entries(ways))
      test(`${what}, by ${way}`, async () => {
        const { files, closed } = await oddServer(odd())
        const read = await readAll(files)
        assert.equal(read.length, length)
        assert.deepEqual(read, content)
        await settled()
        assert.equal(closed(), true)
        assert.equal(files.calls.requests.underWay, 0)
      })

  for (const way of ['readFile', 'readable'] as const)
    test(`a server that fails when asked for several at once, by ${way}`, async () => {
      let last = Promise.resolve()
      let busy = 0
      const { files } = await oddServer({
        read: (server, asked) => {
          busy++
          last = last.then(async () => {
            const alone = busy === 1
            await settled()
            if (alone) honest(server, asked)
            else server.status(asked.id, 4)
            busy--
          })
        },
      })
      assert.deepEqual(await ways[way](files), content)
    })
})

describe('a file that has become shorter', () => {
  test('ends where it ends now', async () => {
    let asked = 0
    const { files } = await oddServer({
      attributes: () => ({ type: 'file', size: asked++ === 0 ? length : 200_000 }),
      read: (server, each) => honest(server, each, content.subarray(0, 200_000)),
    })
    assert.deepEqual(await files.readFile('/f'), content.subarray(0, 200_000))
  })
})

describe('reading rejects', () => {
  test('when there is more than the caller allows, whether the server says so or never ends', async () => {
    for (const size of [length, 0, undefined]) {
      const { files, closed } = await oddServer({
        attributes: () => ({ type: 'file', ...(size === undefined ? {} : { size }) }),
        read: (server, { id, count }) => server.data(id, new Uint8Array(count)),
      })
      const error = await errorOf(files.readFile('/f', { maximum: length - 1 }), SftpError)
      assert.match(error.message, /more than the 499999 bytes that are allowed/)
      await settled()
      assert.ok(closed(), 'the file stays open')
    }
  })

  test('when the server keeps to a size and to an end before it', async () => {
    const { files, closed } = await oddServer({ read: (server, each) => honest(server, each, content.subarray(0, 200_000)) })
    const error = await errorOf(files.readFile('/f'), SftpError)
    assert.equal(error.status, 'file-corrupt')
    assert.match(error.message, /has 500000 bytes/)
    await settled()
    assert.equal(closed(), true)
  })

  test('when the end moves about', async () => {
    const { files } = await oddServer({
      read: (server, asked) => (asked.offset === 32_768 ? server.status(asked.id, 1) : honest(server, asked)),
    })
    for (const readAll of Object.values(ways)) assert.equal((await errorOf(readAll(files), SftpError)).status, 'file-corrupt')
  })

  test('with the refusal of a read', async () => {
    const { files, closed } = await oddServer({
      read: (server, asked) => (asked.offset > 100_000 ? server.status(asked.id, 3) : honest(server, asked)),
    })
    for (const readAll of Object.values(ways)) {
      const error = await errorOf(readAll(files), SftpError)
      assert.deepEqual([error.status, error.operation, error.path], ['permission-denied', 'read', '/f'])
    }
    await settled()
    assert.equal(closed(), true)
  })

  test('when the session ends', async () => {
    const { files, server } = await oddServer({
      read: (each, asked) => {
        if (asked.index < 3) honest(each, asked)
        else server.end()
      },
    })
    assert.equal((await errorOf(files.readFile('/f'), SftpError)).status, 'connection-lost')
  })

  for (const [way, read] of Object.entries<(files: Sftp, signal: AbortSignal) => Promise<unknown>>({
    readFile: (files, signal) => files.readFile('/f', { signal }),
    readable: (files, signal) => bytesIn(files.readable('/f', { signal })),
    'RemoteFile.read': async (files, signal) => await (await files.open('/f')).read(0, 100_000, { signal }),
    'RemoteFile.readable': async (files, signal) => await bytesIn((await files.open('/f')).readable({ signal })),
    hash: (files, signal) => files.hash('/f', { fallback: 'read', signal }),
  }))
    test(`with the signal, when the server never answers: ${way}`, async () => {
      const { files } = await oddServer({ read: () => {} })
      const controller = new AbortController()
      const reading = read(files, controller.signal)
      await settled()
      controller.abort(new Error('long enough'))
      await assert.rejects(reading, { message: 'long enough' })
    })
})

describe('what is asked for', () => {
  test('is no more than somebody takes', async () => {
    let bytes = 0
    const endless = 2 ** 40
    const { files } = await oddServer({
      attributes: () => ({ type: 'file', size: endless }),
      read: (server, { id, count }) => {
        bytes += count
        server.data(id, new Uint8Array(count))
      },
    })
    const reader = files.readable('/f').getReader()
    await reader.read()
    for (let i = 0; i < 50; i++) await settled()
    assert.ok(bytes <= 2 * 1024 * 1024, `${bytes} bytes were asked for`)
    await reader.cancel()
    await settled()
    assert.equal(files.calls.requests.underWay, 0)
  })

  test('ends with the range', async () => {
    let highest = 0
    const { files } = await oddServer({
      read: (server, asked) => {
        highest = Math.max(highest, asked.offset + asked.count)
        honest(server, asked)
      },
    })
    const read = await bytesIn(files.readable('/f', { start: 1000, end: 201_000 }))
    assert.deepEqual(read, content.subarray(1000, 201_000))
    assert.equal(highest, 201_000)
    const beyond = await bytesIn(files.readable('/f', { start: length - 5, end: length + 5 }))
    assert.deepEqual(beyond, content.subarray(length - 5))
    assert.equal((await bytesIn(files.readable('/f', { start: 7, end: 7 }))).length, 0)
    assert.equal((await bytesIn(files.readable('/f', { start: length + 7 }))).length, 0)
    for (const range of [{ start: -1 }, { start: 5, end: 4 }, { end: 0.5 }]) assert.throws(() => files.readable('/f', range), RangeError)
  })
})
