// What the network is asked for: interactive while a session has a terminal, bulk otherwise.
import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import { connect } from '../../src/client/connect-node.ts'
import { insecureAcceptAnyHostKey } from '../../src/client/policy.ts'
import { QualityOfSessions } from '../../src/client/quality.ts'
import { memoryPair } from '../../src/io/memory.ts'
import { fromDuplex } from '../../src/io/node-socket.ts'
import { nodeRuntime } from '../../src/io/runtime-node.ts'
import type { ByteTransport } from '../../src/io/transport.ts'
import { allowAnyoneWithoutProof } from '../../src/server/authenticators/anyone.ts'
import { Server } from '../../src/server/create.ts'
import { signerOf } from '../keys/certificates.ts'

const marksOf = (interactive: number, bulk: number) => {
  const marks: number[] = []
  return { marks, quality: new QualityOfSessions({ mark: byte => void marks.push(byte) }, { interactive, bulk }) }
}

describe('sessions', () => {
  test('ask for the one or the other as they come and go', () => {
    const { marks, quality } = marksOf(184, 0)
    const command = quality.begun(false)
    const shell = quality.begun(true)
    const second = quality.begun(true)
    shell()
    command()
    second()
    assert.deepEqual(marks, [0, 184, 184, 184, 0])
  })
  test('ask for nothing where nothing was said, or where there is nobody to ask', () => {
    const { marks, quality } = marksOf(-1, -1)
    quality.begun(true)()
    assert.deepEqual(marks, [])
    new QualityOfSessions({}, { interactive: 184, bulk: 0 }).begun(true)()
  })
})

test('IPQoS is asked for by the sessions of a connection', async () => {
  const [ours, theirs] = memoryPair()
  const marks: number[] = []
  const transport: ByteTransport = {
    start: sink => ours.start(sink),
    write: (bytes, taken) => ours.write(bytes, taken),
    pause: () => ours.pause(),
    resume: () => ours.resume(),
    close: deserted => ours.close(deserted),
    mark: byte => void marks.push(byte),
    remote: undefined,
  }
  await using server = new Server(
    {
      hostKeys: [signerOf('ed25519')],
      authenticate: allowAnyoneWithoutProof(() => ({ name: 'anyone' })),
      session: { exec: () => 0, shell: () => 0 },
      refusalFloor: () => 0,
    },
    nodeRuntime(),
  )
  server.accept(theirs)
  await using connection = await connect('alias', {
    ...{ transport, hostKey: insecureAcceptAnyHostKey, auth: {}, user: 'ada' },
    config: { file: 'none', options: ['IPQoS=af21 cs1'] },
    ...{ knownHostsFiles: [], agent: false, identityFiles: [] },
  })
  await connection.run('one')
  await (
    await connection.shell({ pty: { columns: 80, rows: 24 } })
  ).exited
  await connection.run('two')
  assert.deepEqual(marks.slice(0, 2), [32, 72])
  assert.equal(marks.at(-1), 32)
})

test('a socket is asked, and one that cannot or will not goes on as before', () => {
  const asked: number[] = []
  const can = Object.assign(new PassThrough(), { setTypeOfService: (byte: number) => void asked.push(byte) })
  const cannot = new PassThrough()
  const willNot = Object.assign(new PassThrough(), {
    setTypeOfService: () => {
      throw new Error('not permitted')
    },
  })
  for (const stream of [can, cannot, willNot]) {
    const transport = fromDuplex(stream)
    transport.mark?.(72)
    transport.close()
    assert.equal(stream.writable, false)
  }
  assert.deepEqual(asked, [72])
})
