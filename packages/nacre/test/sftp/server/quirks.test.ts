// What is done otherwise with particular clients: who sends the arguments of SYMLINK in which order, and what comes of it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { memoryFiles } from '../../../src/sftp/files/memory.ts'
import { packetTypes } from '../../../src/sftp/messages.ts'
import { fileName } from '../../../src/sftp/names.ts'
import { sftpServer } from '../../../src/sftp/server/index.ts'
import { struct } from '../../../src/wire/codec.ts'
import { assertStatus, joined, packetOf, Peer, requestOf, settled, uint32Of } from './rig.ts'

const twoPaths = struct({ first: fileName, second: fileName })
const symlinkOf = (first: string, second: string): Uint8Array => requestOf(packetTypes.SSH_FXP_SYMLINK, 1, twoPaths, { first, second })

/** Sends SYMLINK with two arguments, and gives the links there are then. */
const linksAfter = async (
  clientVersion: string | undefined,
  first: string,
  second: string,
  version: 3 | 4 | 5 = 3,
): Promise<readonly string[]> => {
  const files = memoryFiles()
  const peer = await new Peer(files, clientVersion === undefined ? {} : { clientVersion }).greet(version)
  peer.send(symlinkOf(first, second))
  const [answer] = await peer.answers(1)
  assertStatus(answer, 'ok')
  const found: string[] = []
  for (const path of ['/link', '/target'])
    try {
      found.push(`${path} -> ${files.readLink(path)}`)
    } catch {
      // It is no link.
    }
  return found
}

describe('SYMLINK of version 3', () => {
  for (const version of [undefined, 'OpenSSH_9.2p1', 'paramiko_2.12.0', 'nacre_0.1', 'NotAsyncSSH', ''])
    it(`has what the link points to first, as OpenSSH has it, from ${version === undefined ? 'who is not known' : `"${version}"`}`, async () => {
      assert.deepEqual(await linksAfter(version, '/target', '/link'), ['/link -> /target'])
    })
  for (const version of ['AsyncSSH_2.10.1', 'ssh2js1.17.0'])
    it(`has the link first, as the draft has it, from "${version}", which takes us for a server that is not OpenSSH's`, async () => {
      assert.deepEqual(await linksAfter(version, '/link', '/target'), ['/link -> /target'])
    })
})

describe('SYMLINK of versions 4 and 5', () => {
  for (const version of [4, 5] as const) {
    for (const software of [undefined, 'AsyncSSH_2.10.1', 'WinSCP_release_6.3.5', 'PuTTY_Release_0.78'])
      it(`has the link first, as the drafts have it, in version ${version} from ${software ?? 'who is not known'}`, async () => {
        assert.deepEqual(await linksAfter(software, '/link', '/target', version), ['/link -> /target'])
      })
    it(`has what the link points to first in version ${version} from what speaks through OpenSSH's ssh: lftp`, async () => {
      assert.deepEqual(await linksAfter('OpenSSH_9.2p1', '/target', '/link', version), ['/link -> /target'])
    })
  }
})

describe('a session handler', () => {
  it('goes by the version of the client that the session tells', async () => {
    const files = memoryFiles()
    const gone = new AbortController()
    let send: (bytes: Uint8Array) => void = () => {}
    let leave: () => void = () => {}
    const handled = sftpServer(files)({
      signal: gone.signal,
      clientVersion: 'AsyncSSH_2.10.1',
      write: () => undefined,
      tap: ({ stdin, end }) => {
        send = bytes => void stdin(bytes, false)
        leave = end
      },
    })
    await settled()
    send(joined(packetOf(packetTypes.SSH_FXP_INIT, uint32Of(3)), symlinkOf('/link', '/target')))
    await settled()
    leave()
    assert.equal(await handled, 0)
    assert.equal(files.readLink('/link'), '/target')
  })
})
