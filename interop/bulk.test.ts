// Owns 64 MiB through `cat`, both ways at once, while the keys change every MiB: at the wish of both, and half as much at that
// of our side and of the peer; for the three ways a packet can be protected.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { openSshClient, openSshServer } from './peers/openssh.ts'
import { bytesOf, MiB, sha256 } from './rig/bytes.ts'
import { userKey } from './rig/keys.ts'
import { test } from './rig/test.ts'
import { nacreConnect } from './sites/client.ts'
import { nacreServer } from './sites/server.ts'

const login = { key: userKey() }
const accepts = { keys: [userKey()] }
const whole = bytesOf(64 * MiB)
const half = whole.subarray(0, 32 * MiB)

const protections = [
  { name: 'aes128-gcm@openssh.com', ciphers: ['aes128-gcm@openssh.com'], macs: ['hmac-sha2-256'] },
  { name: 'chacha20-poly1305@openssh.com', ciphers: ['chacha20-poly1305@openssh.com'], macs: ['hmac-sha2-256'] },
  { name: 'aes256-ctr, hmac-sha2-256-etm@openssh.com', ciphers: ['aes256-ctr'], macs: ['hmac-sha2-256-etm@openssh.com'] },
] as const
/** The quickest method: what an exchange does to the transfer is the question here, not how it agrees on a secret. */
const kex = ['curve25519-sha256'] as const
const wishes = { ours: [MiB, undefined, half], theirs: [undefined, MiB, half], both: [MiB, MiB, whole] } as const

/**
 * Two windows of 2 MiB may be under way while an exchange is asked for, so that there are fewer than one for each,
 * depending on who is quicker.
 */
const leastExchanges = (bulk: Uint8Array): number => bulk.length / (4 * MiB)

for (const { name, ciphers, macs } of protections) {
  describe(name, () => {
    for (const [whose, [ourLimit, theirLimit, bulk]] of Object.entries(wishes)) {
      test(`our client at OpenSSH, keys changed by ${whose}`, {}, async () => {
        await using server = await openSshServer({ accepts, ...(theirLimit === undefined ? {} : { rekeyBytes: theirLimit }) })
        let exchanges = 0
        await using connection = await nacreConnect(server.to, login, {
          algorithms: { kex, ciphers, macs },
          ...(ourLimit === undefined ? {} : { rekey: { bytes: ourLimit } }),
          onProgress: event => {
            if (event.is === 'exchanged') exchanges++
          },
        })
        const { stdoutBytes, code } = await connection.run('cat', { input: bulk })
        assert.equal(code, 0)
        assert.equal(sha256(stdoutBytes), sha256(bulk))
        assert.ok(exchanges >= leastExchanges(bulk), `${exchanges} exchanges`)
      })

      test(`OpenSSH at our server, keys changed by ${whose}`, {}, async () => {
        await using server = await nacreServer({
          accepts,
          algorithms: { kex, ciphers, macs },
          ...(ourLimit === undefined ? {} : { rekey: { bytes: ourLimit } }),
        })
        const result = await openSshClient.run({
          to: server.to,
          login,
          command: 'cat',
          stdin: bulk,
          options: [`Ciphers=${ciphers.join()}`, `MACs=${macs.join()}`, 'LogLevel=DEBUG1'],
          ...(theirLimit === undefined ? {} : { rekeyBytes: theirLimit }),
        })
        assert.equal(result.code, 0, server.endings.join('\n'))
        assert.equal(sha256(result.stdout), sha256(bulk))
        const exchanges = result.stderr.match(/SSH2_MSG_NEWKEYS received/g)?.length ?? 0
        assert.ok(exchanges >= leastExchanges(bulk), `${exchanges} exchanges`)
      })
    }
  })
}
