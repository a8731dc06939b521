// What the log says of events of a connection that no authenticator is asked about.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TimeoutError } from 'nacre'
import { logEvent } from '../../src/sshd/connection-log.ts'
import { keptLog, newKey } from './world.ts'

test('a key whose algorithm the server takes from nobody is named with the keyword that leaves it out', async () => {
  const { publicKey } = await newKey()
  const { lines, log } = keptLog()
  const connection = {
    remote: { address: '192.0.2.7', port: 50022, localAddress: '192.0.2.1', localPort: 22 },
    userName: undefined,
    authenticated: false,
    applicant: 'ada\x1b[2J',
  }
  const key = { is: 'untaken-key', user: 'ada', publicKey: publicKey.blob } as const
  logEvent(log, { ...key, method: 'publickey', algorithm: 'ssh-ed25519' }, connection)
  logEvent(log, { ...key, method: 'hostbased', algorithm: 'moon\nshine', publicKey: new Uint8Array(4) }, connection)
  assert.deepEqual(lines, [
    `refusing ED25519 ${publicKey.fingerprint()} of ada\\x1b[2J from 192.0.2.7 port 50022: PubkeyAcceptedAlgorithms leaves out ssh-ed25519`,
    'refusing a key that cannot be read of ada\\x1b[2J from 192.0.2.7 port 50022: HostbasedAcceptedAlgorithms leaves out moon\\x0ashine',
  ])
})

test('whoever is too late or falls silent is told of in OpenSSH’s words', () => {
  const { lines, log } = keptLog()
  const remote = { address: '192.0.2.7', port: 50022, localAddress: '192.0.2.1', localPort: 22 }
  const ended = { is: 'ended', reason: undefined } as const
  const silent = { ...ended, by: 'network', error: new TimeoutError('keepalive', 'dead') } as const
  logEvent(log, silent, { remote, userName: 'ada', authenticated: true })
  const late = { ...ended, by: 'us', error: new TimeoutError('login', 'The client did not authenticate within 3 s.') } as const
  logEvent(log, late, { remote, userName: undefined, authenticated: false, applicant: 'ada' })
  assert.deepEqual(
    lines.filter(each => each.startsWith('Timeout')),
    [
      'Timeout, client not responding from user ada 192.0.2.7 port 50022',
      'Timeout before authentication for 192.0.2.7 port 50022 [preauth]',
    ],
  )
})
