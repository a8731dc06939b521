// Files on a server as Node's streams.
import assert from 'node:assert/strict'
import { pipeline } from 'node:stream/promises'
import { describe, test } from 'node:test'
import { SftpError } from '../../../src/errors.ts'
import { createReadStream, createWriteStream } from '../../../src/sftp/client/streams-node.ts'
import { joined, patternBytes } from './pair.ts'
import { settled } from './scripted.ts'

describe("Node's streams", () => {
  test('read a range and write a file', async () => {
    await using both = await joined()
    const { files } = both
    const bytes = patternBytes(700_000)
    await files.writeFile('/f', bytes)
    await pipeline(createReadStream(files, '/f', { start: 5, end: 650_000 }), createWriteStream(files, '/g', { mode: 0o600 }))
    assert.deepEqual(await files.readFile('/g'), bytes.subarray(5, 650_000))
    assert.equal((await files.stat('/g')).permissions, 0o600)
  })

  test('fail with what the server says', async () => {
    await using both = await joined()
    const { files } = both
    const isRefusal = (error: unknown): boolean => error instanceof SftpError && error.errno === 'ENOENT'
    await assert.rejects(pipeline(createReadStream(files, '/none'), createWriteStream(files, '/h')), isRefusal)
    await files.writeFile('/f', 'x')
    await assert.rejects(pipeline(createReadStream(files, '/f'), createWriteStream(files, '/no/where')), isRefusal)
  })

  test('end when they are destroyed', async () => {
    await using both = await joined()
    const { files } = both
    await files.writeFile('/f', patternBytes(700_000))
    const stream = createReadStream(files, '/f')
    for await (const chunk of stream) {
      assert.ok((chunk as Uint8Array).length > 0)
      break
    }
    for (let turn = 0; turn < 10; turn++) await settled()
    assert.equal(stream.destroyed, true)
    assert.equal(files.calls.requests.underWay, 0)
  })
})
