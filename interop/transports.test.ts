// Owns connections over what is no TCP socket: the pipes of an `sshd -i`, as Node streams and as Web Streams, and our own server
// behind a client's ProxyCommand.
import assert from 'node:assert/strict'
import { Duplex, Readable, Writable } from 'node:stream'
import { describe } from 'node:test'
import { type ByteTransport, fromDuplex, fromStreams } from 'nacre'
import { serverConfig } from './peers/openssh.ts'
import { bytesOf, MiB, sha256 } from './rig/bytes.ts'
import { freshFile } from './rig/folder.ts'
import { hostKey, userKey } from './rig/keys.ts'
import { type Running, start } from './rig/process.ts'
import { test } from './rig/test.ts'
import { world } from './rig/world.ts'
import { nacreConnect } from './sites/client.ts'
import { nacre } from './sites/commands.ts'

const login = { key: userKey() }
const bulk = bytesOf(8 * MiB)

/** A pair is what the documentation takes, and the types leave out. */
const pairOf = ({ stdout, stdin }: Running): NodeJS.ReadWriteStream =>
  ({ readable: stdout, writable: stdin }) as unknown as NodeJS.ReadWriteStream

const programs: Readonly<Record<string, readonly string[]>> = { 'OpenSSH sshd -i': ['/usr/sbin/sshd'], 'nacre sshd -i': nacre('sshd') }
const streams: Readonly<Record<string, (running: Running) => ByteTransport>> = {
  'a Node stream': running => fromDuplex(Duplex.from(pairOf(running))),
  'Web Streams': running => fromStreams({ readable: Readable.toWeb(running.stdout), writable: Writable.toWeb(running.stdin) }),
}

for (const [name, program] of Object.entries(programs)) {
  describe(`our client at ${name}`, () => {
    for (const [kind, transportOf] of Object.entries(streams)) {
      test(`over ${kind}`, {}, async () => {
        const config = freshFile('sshd_config', serverConfig({ accepts: { keys: [userKey()] } }, 22), 0o644)
        await using running = await start(world().enter([...program, '-i', '-e', '-f', config]), { name })
        const to = { host: 'pipe', port: 22, user: world().user, hostKeys: [hostKey().line] }
        const options = { transport: transportOf(running), algorithms: { hostKey: ['ssh-ed25519'] }, rekey: { bytes: 2 * MiB } }
        {
          await using connection = await nacreConnect(to, login, options)
          const { stdoutBytes, code } = await connection.run('cat; exit 7', { input: bulk })
          assert.equal(sha256(stdoutBytes), sha256(bulk))
          assert.equal(code, 7)
        }
        assert.notEqual((await running.exited).code, null)
      })
    }
  })
}
