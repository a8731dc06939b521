// What holds for one login: Match by user, group and address, its limits, and whether anybody may come at all.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AuthenticationError } from 'nacre'
import { formatPublicKeyLine } from 'nacre/keys'
import { accountAt, authorize, directoryOf, newKey, onePassword, temporaryFolder, world, type WorldOptions } from './world.ts'

const key = await newKey()

/** A server whose account has our key, and another account without. */
const site = async (config: string, options: Partial<WorldOptions> = {}) => {
  const folder = temporaryFolder()
  const account = accountAt(folder.path)
  authorize(account, [formatPublicKeyLine(key.publicKey)])
  const other = { ...account, name: 'other' }
  const directory = { ...directoryOf([account, other]), groups: async () => ['staff', 'guests'] }
  const it = await world(account, {
    config: `StrictModes no\n${config}`,
    level: 'VERBOSE',
    ...options,
    setup: { accountsFor: () => onePassword('sesame'), directory, ...options.setup },
  })
  const comes = async (by: Parameters<typeof it.logIn>[0] = {}): Promise<boolean> => {
    try {
      const client = await it.logIn(by)
      await client.close()
      return true
    } catch (error) {
      if (error instanceof AuthenticationError) return false
      throw error
    }
  }
  return {
    ...it,
    account,
    folder: folder.path,
    comes,
    async [Symbol.asyncDispose]() {
      await it[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}

describe('Match', () => {
  test('by user replaces what stands outside, also where that is stricter', async () => {
    await using it = await site(
      'PasswordAuthentication no\nKbdInteractiveAuthentication no\nMatch User other\nPasswordAuthentication yes\n',
    )
    assert.equal(await it.comes({ password: 'sesame' }), false)
    assert.equal(await it.comes({ user: 'other', password: 'sesame' }), true)
    assert.ok(it.lines.includes('Match at test line 5 holds for other.'), it.lines.join('\n'))
  })

  test('by address: the same person may come from one network and not from another', async () => {
    await using it = await site('PubkeyAuthentication yes\nMatch Address 198.51.100.0/24,!198.51.100.9\nPubkeyAuthentication no\n')
    const from = (address: string): Promise<boolean> => it.comes({ signers: [key], address })
    assert.deepEqual([await from('192.0.2.7'), await from('198.51.100.7'), await from('198.51.100.9')], [true, false, true])
  })

  test('by group, by our own address and port, and all of a line have to fit', async () => {
    const off = (criteria: string): string => `Match ${criteria}\nPubkeyAuthentication no\n`
    for (const [criteria, fits] of [
      ['Group staff', true],
      ['Group !guests,staff', false],
      ['LocalAddress 192.0.2.1 LocalPort 22', true],
      ['LocalAddress 192.0.2.1 LocalPort 23', false],
      ['User other,nobody Address 192.0.2.0/24', false],
      ['Host 192.0.2.*', true],
      ['Invalid-User', false],
    ] as const) {
      await using it = await site(off(criteria))
      assert.equal(await it.comes({ signers: [key] }), !fits, criteria)
    }
  })

  test('is asked again for another name on the same configuration', async () => {
    await using it = await site('Match User other\nMaxSessions 0\nBanner none\n')
    assert.equal(await it.comes({ signers: [key] }), true)
    const client = await it.logIn({ user: 'other', signers: [key] })
    await assert.rejects(client.run('true'), /at most 0 sessions/)
    await client.close()
  })

  test('decides what sessions may: a forced command, variables', async () => {
    await using it = await site('Match User other\nForceCommand echo forced\n', {})
    const run = async (user?: string): Promise<string> => {
      const client = await it.logIn({ ...(user === undefined ? {} : { user }), signers: [key] })
      try {
        return (await client.run('echo asked')).stdout
      } finally {
        await client.close()
      }
    }
    assert.deepEqual([await run(), await run('other')], ['asked\n', 'forced\n'])
  })

  test('with a value nobody can act on keeps those out it is for, and nobody else', async () => {
    await using it = await site('Match User other\nChrootDirectory /srv\n')
    assert.equal(await it.comes({ signers: [key] }), true)
    await assert.rejects(it.logIn({ user: 'other', signers: [key] }))
    assert.match(it.lines.join('\n'), /other from 192\.0\.2\.7 port 50022 cannot log in: test line 4: ChrootDirectory is not supported/)
  })
})

describe('a login', () => {
  test('that is refused by RefuseConnection is ended before any proof, and the log says which line did it', async () => {
    await using it = await site('Match Invalid-User\nRefuseConnection yes\n')
    assert.equal(await it.comes({ signers: [key] }), true)
    await assert.rejects(it.logIn({ user: 'nobody-here', signers: [key] }), /not allowed/)
    const text = it.lines.join('\n')
    assert.match(text, /^administratively prohibited connection for invalid user nobody-here from 192\.0\.2\.7 port 50022$/m)
    assert.match(text, /^RefuseConnection at test line 4 decided that\.$/m)
  })

  test('has as many attempts as MaxAuthTries of its user; with 0 it has none', async () => {
    await using it = await site('Match User other\nMaxAuthTries 1\n')
    await assert.rejects(it.logIn({ user: 'other', password: 'wrong' }), /Too many authentication failures/)
    await using none = await site('MaxAuthTries 0\n')
    assert.equal(await none.comes({ signers: [key] }), false)
  })

  test('of a name on a list is told of in OpenSSH’s words, and the line that decided follows', async () => {
    await using it = await site('DenyGroups guests\n')
    assert.equal(await it.comes({ signers: [key] }), false)
    const text = it.lines.join('\n')
    assert.match(text, /^User \S+ from 192\.0\.2\.7 not allowed because a group is listed in DenyGroups$/m)
    assert.match(text, /^DenyGroups at test line 3 decided that\.$/m)
  })

  test('sees the banner of its user', async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'banner')
    writeFileSync(path, 'For other only.\n')
    await using it = await site(`Match User other\nBanner ${path}\n`)
    const seen: string[] = []
    const client = await it.logIn({ user: 'other', signers: [key], onBanner: text => seen.push(text) })
    await client.close()
    await (await it.logIn({ signers: [key], onBanner: text => seen.push(text) })).close()
    assert.deepEqual(seen, ['For other only.\n'])
  })

  test('may leave the password empty where its user may', async () => {
    await using it = await site('Match User other\nPermitEmptyPasswords yes\n', { setup: { accountsFor: () => onePassword('') } })
    assert.deepEqual([await it.comes(), await it.comes({ user: 'other' })], [false, true])
  })

  test('takes signatures only by the algorithms of its user', async () => {
    await using it = await site('Match User other\nPubkeyAcceptedAlgorithms rsa-sha2-512,ecdsa-*\n')
    assert.deepEqual([await it.comes({ signers: [key] }), await it.comes({ user: 'other', signers: [key] })], [true, false])
    assert.match(it.lines.join('\n'), /refusing ED25519 SHA256:\S+: PubkeyAcceptedAlgorithms leaves out ssh-ed25519/)
    assert.match(it.lines.join('\n'), /^PubkeyAcceptedAlgorithms at test line \d+ decided that\.$/m)
  })
})
describe('the log, for programs that ban addresses', () => {
  /** What fail2ban's filter for sshd looks for, as far as these lines go. */
  test('names who was there when a connection ends before the login', async () => {
    await using it = await site('Match User other\nMaxAuthTries 1\n')
    await assert.rejects(it.logIn({ user: 'other', password: 'wrong', preferred: ['password'] }))
    const text = it.lines.join('\n')
    assert.match(text, /^Failed password for other from 192\.0\.2\.7 port 50022 ssh2$/m)
    assert.match(text, /^maximum authentication attempts exceeded for other from 192\.0\.2\.7 port 50022 ssh2 \[preauth\]$/m)
    assert.match(text, /^Disconnecting authenticating user other 192\.0\.2\.7 port 50022: Too many authentication failures \[preauth\]$/m)
  })

  test('says of whoever could not have logged in that he is invalid', async () => {
    await using it = await site('DenyUsers other\nMaxAuthTries 1\n')
    await assert.rejects(it.logIn({ user: 'mallory', password: 'x', preferred: ['password'] }))
    await assert.rejects(it.logIn({ user: 'other', password: 'x', preferred: ['password'] }))
    const text = it.lines.join('\n')
    assert.match(text, /^Invalid user mallory from 192\.0\.2\.7 port 50022$/m)
    assert.match(text, /^Failed password for invalid user mallory from 192\.0\.2\.7 port 50022 ssh2$/m)
    assert.match(text, /^User other from 192\.0\.2\.7 not allowed because listed in DenyUsers$/m)
    assert.match(text, /^Disconnecting invalid user other 192\.0\.2\.7 port 50022: Too many authentication failures \[preauth\]$/m)
  })
})
