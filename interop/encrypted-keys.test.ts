// Owns logins by encrypted key files at OpenSSH's sshd: a passphrase is asked for when the server would take the key, and only
// then; a key that does not open is followed by the next.
import assert from 'node:assert/strict'
import { copyFileSync, rmSync } from 'node:fs'
import { describe } from 'node:test'
import { type ConfiguredOptions, connect, insecureAcceptAnyHostKey } from 'nacre'
import { openSshServer } from './peers/openssh.ts'
import type { PeerServer } from './peers/peer.ts'
import { freshPath } from './rig/folder.ts'
import { type KeyFile, newKey, userKey } from './rig/keys.ts'
import { finish } from './rig/process.ts'
import { test } from './rig/test.ts'
import { nacreSsh } from './sites/commands.ts'

const passphrase = 'correct horse'

/** Logs in with these files; who was asked for which passphrase, and what was noted. */
const login = async (
  server: PeerServer,
  files: readonly string[],
  answer: (attempt: number) => string | undefined,
  more: ConfiguredOptions = {},
) => {
  const asked: string[] = []
  const notes: string[] = []
  const { host, port, user } = server.to
  const entered = await connect(
    { host, port, user },
    {
      hostKey: insecureAcceptAnyHostKey,
      knownHostsFiles: [],
      agent: false,
      identityFiles: files,
      preferred: ['publickey'],
      passphrase: (path, attempt) => {
        asked.push(`${path} ${attempt}`)
        return answer(attempt)
      },
      onNote: note => notes.push(note),
      ...more,
    },
  ).then(
    async connection => {
      await connection.close()
      return 'in'
    },
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  )
  return { entered, asked, notes }
}

/** Without the public half beside it: the file itself shows it. */
const alone = (key: KeyFile): string => {
  const path = freshPath('alone')
  copyFileSync(key.path, path)
  return path
}

/** An RSA key in PEM's own encryption, which shows nothing of itself. */
const sealedPem = async (): Promise<KeyFile> => {
  const key = newKey('rsa')
  const { code, stderr } = await finish(['ssh-keygen', '-q', '-p', '-m', 'PEM', '-P', '', '-N', passphrase, '-f', key.path])
  assert.equal(code, 0, stderr)
  return key
}

describe('the passphrase of a key', () => {
  test('is asked for once, when the server would take the key', {}, async () => {
    const [mine, other] = [newKey('ed25519', passphrase), newKey('ecdsa256', passphrase)]
    await using server = await openSshServer({ accepts: { keys: [mine] } })
    for (const file of [mine.path, alone(mine)])
      assert.deepEqual(await login(server, [other.path, alone(other), file], () => passphrase), {
        entered: 'in',
        asked: [`${file} 1`],
        notes: [],
      })
  })

  test('is not asked for where no key would do', {}, async () => {
    const key = newKey('ed25519', passphrase)
    await using server = await openSshServer({ accepts: { keys: [userKey('ecdsa256')] } })
    const { entered, asked } = await login(server, [key.path], () => passphrase)
    assert.deepEqual([entered, asked], ['AUTHENTICATION_FAILED', []])
  })

  test('may be wrong three times; then the next key is tried, on the same connection', {}, async () => {
    const [first, second] = [newKey('ed25519', passphrase), userKey('ecdsa256')]
    await using server = await openSshServer({ accepts: { keys: [first, second] } })
    const wrong = await login(server, [first.path, second.path], attempt => `wrong ${attempt}`)
    assert.deepEqual([wrong.entered, wrong.asked], ['in', [1, 2, 3].map(attempt => `${first.path} ${attempt}`)])
    assert.deepEqual(wrong.notes, [`The key file ${first.path} (OpenSSH format) does not open with this passphrase.`])
    const silent = await login(server, [first.path, second.path], () => undefined)
    assert.deepEqual([silent.entered, silent.asked], ['in', [`${first.path} 1`]])
    assert.match(silent.notes.join(), /is encrypted and no passphrase was given/)
    const once = await login(server, [first.path, second.path], () => 'wrong', { passwordPrompts: 1 })
    assert.deepEqual([once.entered, once.asked], ['in', [`${first.path} 1`]])
    const third = await login(server, [first.path, second.path], attempt => (attempt === 3 ? passphrase : 'wrong'))
    assert.deepEqual([third.entered, third.asked.length, third.notes], ['in', 3, []])
  })

  test('of a file that shows nothing of itself waits too, where its public half lies beside it', {}, async () => {
    const key = await sealedPem()
    await using server = await openSshServer({ accepts: { keys: [userKey('ecdsa256')] } })
    assert.deepEqual((await login(server, [key.path], () => passphrase)).asked, [])
    rmSync(key.publicPath)
    assert.deepEqual((await login(server, [key.path], () => passphrase)).asked, [`${key.path} 1`])
    // Nor while the keys before it do.
    const before = await login(server, [userKey('ecdsa256').path, key.path], () => passphrase)
    assert.deepEqual([before.entered, before.asked], ['in', []])
    await using taking = await openSshServer({ accepts: { keys: [key] } })
    assert.equal((await login(taking, [key.path], () => passphrase)).entered, 'in')
  })

  test('is not asked for where there is nobody to ask: another key is used', {}, async () => {
    const [sealed, open] = [newKey('ed25519', passphrase), userKey('ecdsa256')]
    await using server = await openSshServer({ accepts: { keys: [sealed, open] } })
    const run = await nacreSsh.run({
      to: server.to,
      login: { key: sealed },
      command: 'echo inside',
      options: ['BatchMode=yes', `IdentityFile=${sealed.path}`, `IdentityFile=${open.path}`],
    })
    assert.equal(run.stdout.toString(), 'inside\n', run.stderr)
    assert.doesNotMatch(run.stderr, /passphrase for/)
  })
})
