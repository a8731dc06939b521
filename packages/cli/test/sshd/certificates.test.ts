// Logging in by certificate, whole, over memory: authorities of the server and of accounts, principals files, revoked keys, and
// what the log says.
import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { AuthenticationError } from 'nacre'
import { nodeCrypto } from 'nacre/crypto/node'
import { type Certificate, certifiedSigner, formatPublicKeyLine, issueCertificate, type IssueOptions, type Signer } from 'nacre/keys'
import { accountAt, authorize, newKey, temporaryFolder, world, type WorldOptions } from './world.ts'

const authority = await newKey('authority')
const key = await newKey('user')
const line = (signer: Signer): string => formatPublicKeyLine(signer.publicKey)

interface Place {
  readonly home: string
  readonly user: string
  /** Writes a file in the home, for its owner alone. */
  file(name: string, ...lines: readonly string[]): string
}

/** A server whose configuration and authorized_keys may name files it makes. */
const serving = async (config: (place: Place) => string, keys: readonly string[] = [], options: WorldOptions = {}) => {
  const folder = temporaryFolder()
  const account = accountAt(folder.path)
  authorize(account, keys)
  const file = (name: string, ...lines: readonly string[]): string => {
    const path = join(account.home, name)
    writeFileSync(path, `${lines.join('\n')}\n`)
    chmodSync(path, 0o600)
    return path
  }
  const server = await world(account, { ...options, config: config({ home: account.home, user: account.name, file }) })
  const issue = (changes: Partial<IssueOptions> = {}): Promise<Certificate> =>
    issueCertificate({
      signer: authority,
      key: key.publicKey,
      kind: 'user',
      keyId: 'a test',
      serial: 5n,
      principals: [account.name],
      random: nodeCrypto().random,
      ...changes,
    })
  const enter = async (changes: Partial<IssueOptions> = {}, address?: string): Promise<'in' | 'refused'> => {
    const signer = certifiedSigner(key, await issue(changes))
    try {
      const client = await server.logIn({ signers: [signer], ...(address === undefined ? {} : { address }) })
      await client.close()
      return 'in'
    } catch (error) {
      assert.ok(error instanceof AuthenticationError, String(error))
      return 'refused'
    }
  }
  return {
    ...server,
    account,
    file,
    enter,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}
const trusting = ({ file }: Place): string => `TrustedUserCAKeys ${file('authorities', '# ours', line(authority))}`

describe('TrustedUserCAKeys', () => {
  test('lets in whom the certificate names; the log has its number and its authority', async () => {
    await using it = await serving(trusting)
    assert.equal(await it.enter(), 'in')
    const accepted = `Accepted publickey for ${it.account.name} from 192.0.2.7 port 50022 ssh2: ED25519-CERT ${key.publicKey.fingerprint()}`
    assert.ok(it.lines.includes(`${accepted} ID a test (serial 5) CA ED25519 ${authority.publicKey.fingerprint()}`), it.lines.join('\n'))
  })
  test('lets in nobody else, and the log says why', async () => {
    await using it = await serving(trusting)
    const over = BigInt(Date.UTC(2021, 0, 1) / 1000)
    for (const [changes, words] of [
      [{ principals: ['another'] }, /is for "another", not for/],
      [{ principals: [] }, /lists no principals/],
      [{ kind: 'host' }, /is that of a host/],
      [{ validBefore: over }, /expired at 2021-01-01T00:00:00Z/],
      [{ criticalOptions: { 'only@example.org': true } }, /"only@example\.org", which is not known/],
      [{ criticalOptions: { 'source-address': '198.51.100.0/24' } }, /not from 192\.0\.2\.7/],
    ] as const satisfies readonly (readonly [Partial<IssueOptions>, RegExp])[]) {
      assert.equal(await it.enter(changes), 'refused')
      assert.match(it.lines.join('\n'), words)
    }
    assert.equal(await it.enter({ signer: await newKey() }), 'refused')
  })
  test('lets a certificate in from where it may come', async () => {
    await using it = await serving(trusting)
    assert.equal(await it.enter({ criticalOptions: { 'source-address': '198.51.100.0/24' } }, '198.51.100.9'), 'in')
  })
  test('does not let in the plain key', async () => {
    await using it = await serving(trusting)
    await assert.rejects(it.logIn({ signers: [key] }), AuthenticationError)
    await assert.rejects(it.logIn({ signers: [authority] }), AuthenticationError)
  })
  test('that cannot be read lets in nobody, with a word', async () => {
    await using it = await serving(() => 'TrustedUserCAKeys /nowhere/at/all')
    assert.equal(await it.enter(), 'refused')
    assert.match(it.lines.join('\n'), /TrustedUserCAKeys \/nowhere\/at\/all cannot be read/)
  })
  test('with a damaged line uses the others, with a word', async () => {
    await using it = await serving(({ file }) => `TrustedUserCAKeys ${file('authorities', 'ssh-ed25519 AAAA', line(authority))}`)
    assert.equal(await it.enter(), 'in')
    assert.match(it.lines.join('\n'), /authorities:1 is no public key/)
  })
})

describe('AuthorizedPrincipalsFile', () => {
  const principals =
    (...lines: readonly string[]) =>
    (place: Place): string =>
      `${trusting(place)}\nAuthorizedPrincipalsFile ${place.file('principals', ...lines)}`

  test('says who a user is, instead of the name', async () => {
    await using it = await serving(principals('# who may', '', 'staff # all of them', 'admins'))
    assert.equal(await it.enter({ principals: ['admins'] }), 'in')
    assert.equal(await it.enter({ principals: ['staff'] }), 'in')
    assert.equal(await it.enter(), 'refused')
    assert.match(it.lines.join('\n'), /has none of the principals that .*principals lists for/)
  })
  test('may have wildcards: each file it names is looked at', async () => {
    await using it = await serving(place => {
      place.file('principals.a', 'others')
      place.file('principals.b', 'admins')
      return `${trusting(place)}\nAuthorizedPrincipalsFile %h/principals.*`
    })
    assert.equal(await it.enter({ principals: ['admins'] }), 'in')
    assert.equal(await it.enter({ principals: ['staff'] }), 'refused')
    assert.match(it.lines.join('\n'), /none of the principals that \S+principals\.a or \S+principals\.b lists for/)
  })
  test('that is missing lets in nobody', async () => {
    await using it = await serving(place => `${trusting(place)}\nAuthorizedPrincipalsFile %h/missing`)
    assert.equal(await it.enter(), 'refused')
  })
  test('that others can write to lets in nobody', async () => {
    await using it = await serving(place => `${trusting(place)}\nAuthorizedPrincipalsFile ${place.file('open', 'admins')}`)
    chmodSync(join(it.account.home, 'open'), 0o666)
    assert.equal(await it.enter({ principals: ['admins'] }), 'refused')
    assert.match(it.lines.join('\n'), /bad ownership or modes for file/)
  })
  test('may have options, which are looked at', async () => {
    await using it = await serving(principals('from="198.51.100.*" admins', 'nonsense staff', 'cert-authority others'))
    assert.equal(await it.enter({ principals: ['admins'] }), 'refused')
    assert.equal(await it.enter({ principals: ['admins'] }, '198.51.100.9'), 'in')
    assert.equal(await it.enter({ principals: ['staff'] }), 'refused')
    assert.equal(await it.enter({ principals: ['others'] }), 'refused')
    assert.match(it.lines.join('\n'), /principals:2 lets nobody in: .*"nonsense" is not known[^]*principals:3 lets nobody in/)
  })
})

describe('an authority in authorized_keys', () => {
  test('is one for this account alone', async () => {
    await using it = await serving(() => '', [`cert-authority ${line(authority)}`])
    assert.equal(await it.enter(), 'in')
    assert.equal(await it.enter({ principals: ['another'] }), 'refused')
    assert.equal(await it.enter({ principals: [] }), 'refused')
    await assert.rejects(it.logIn({ signers: [authority] }), AuthenticationError, 'its plain key is no key of the account')
  })
  test('may name principals', async () => {
    await using it = await serving(() => '', [`cert-authority,principals="admins,staff" ${line(authority)}`])
    assert.equal(await it.enter({ principals: ['staff'] }), 'in')
    assert.equal(await it.enter(), 'refused')
    assert.match(it.lines.join('\n'), /has none of the principals that .*authorized_keys:1 lists/)
  })
  test('is none when its line does not say so', async () => {
    await using it = await serving(() => '', [line(authority)])
    assert.equal(await it.enter(), 'refused')
  })
  test('with principals but without cert-authority lets in nobody', async () => {
    await using it = await serving(() => '', [`principals="x" ${line(key)}`])
    await assert.rejects(it.logIn({ signers: [key] }), AuthenticationError)
    assert.match(it.lines.join('\n'), /"principals" is only for keys with "cert-authority"/)
  })
})

describe('sessions', () => {
  const output = async (config: (place: Place) => string, keys: readonly string[], changes: Partial<IssueOptions>): Promise<string> => {
    await using it = await serving(config, keys)
    const certificate = await issueCertificate({
      signer: authority,
      key: key.publicKey,
      kind: 'user',
      keyId: '',
      principals: [it.account.name],
      random: nodeCrypto().random,
      ...changes,
    })
    const client = await it.logIn({ signers: [certifiedSigner(key, certificate)] })
    const { stdout } = await client.run('echo asked')
    await client.close()
    return stdout
  }
  test('run what the certificate forces', async () =>
    assert.equal(await output(trusting, [], { criticalOptions: { 'force-command': 'echo forced' } }), 'forced\n'))
  test('run what the line forces', async () =>
    assert.equal(await output(() => '', [`cert-authority,command="echo by the line" ${line(authority)}`], {}), 'by the line\n'))
})

describe('RevokedKeys', () => {
  const revoking =
    (...lines: readonly string[]) =>
    (place: Place): string =>
      `${trusting(place)}\nRevokedKeys ${place.file('revoked', ...lines)}`
  test('refuse a key, its certificates, and those of an authority', async () => {
    await using byKey = await serving(revoking(line(key)), [line(key)])
    assert.equal(await byKey.enter(), 'refused')
    await assert.rejects(byKey.logIn({ signers: [key] }), AuthenticationError)
    assert.match(byKey.lines.join('\n'), /refusing ED25519-CERT .* is in the list of revoked keys/)
    await using byAuthority = await serving(revoking(line(authority)), [line(key)])
    assert.equal(await byAuthority.enter(), 'refused')
    await (await byAuthority.logIn({ signers: [key] })).close()
  })
  test('are read anew when they change', async () => {
    await using it = await serving(revoking('# none'))
    assert.equal(await it.enter(), 'in')
    it.file('revoked', line(key))
    assert.equal(await it.enter(), 'refused')
    it.file('revoked', '# none again')
    assert.equal(await it.enter(), 'in')
  })
  test('that cannot be read refuse every key', async () => {
    await using missing = await serving(place => `${trusting(place)}\nRevokedKeys /nowhere`, [line(key)])
    assert.equal(await missing.enter(), 'refused')
    await assert.rejects(missing.logIn({ signers: [key] }), AuthenticationError)
    assert.match(missing.lines.join('\n'), /cannot be read, so every key counts as revoked/)
    await using damaged = await serving(revoking('ssh-ed25519 AAAA'))
    assert.equal(await damaged.enter(), 'refused')
  })
})

test('CASignatureAlgorithms says what authorities sign with, and a name nobody knows stops the server', async () => {
  await using it = await serving(place => `${trusting(place)}\nCASignatureAlgorithms ecdsa-sha2-nistp256`)
  assert.equal(await it.enter(), 'refused')
  assert.match(it.lines.join('\n'), /is signed with ssh-ed25519, which no authority may use here \(CASignatureAlgorithms\)/)
  await assert.rejects(
    serving(() => 'CASignatureAlgorithms rot13'),
    { code: 'CONFIG' },
  )
})

describe('programs that know principals and authorities', () => {
  /** A directory knows our own account by its name, which may run them. */
  const asked = (keyword: string, command: string) => (place: Place) =>
    `${trusting(place)}\nAuthorized${keyword}Command ${command}\nAuthorized${keyword}CommandUser %u\n`

  test('what AuthorizedPrincipalsCommand prints is compared with the certificate, by number, name and keys', async () => {
    await using it = await serving(asked('Principals', '/usr/bin/printf "%%s\\n" %u-%s "%i" %t %T'))
    const name = `${it.account.name}-5`
    assert.equal(await it.enter({ principals: [name] }), 'in', it.lines.join('\n'))
    assert.equal(await it.enter({ principals: ['ssh-ed25519'] }), 'in')
    assert.equal(await it.enter({ principals: ['ssh-ed25519-cert-v01@openssh.com'] }), 'in')
    // The account's own name is nothing by itself once somebody is asked.
    assert.equal(await it.enter({ principals: [it.account.name] }), 'refused')
    assert.match(it.lines.join('\n'), /has none of the principals that AuthorizedPrincipalsCommand lists/)
  })

  test('it is asked after the file, and a program that fails lets nobody in', async () => {
    await using open = await serving(
      place => `StrictModes no\n${asked('Principals', '/usr/bin/false x')(place)}AuthorizedPrincipalsFile ${place.file('p', 'admins')}\n`,
    )
    assert.equal(await open.enter({ principals: ['admins'] }), 'in', open.lines.join('\n'))
    assert.equal(await open.enter({ principals: ['others'] }), 'refused')
    assert.match(open.lines.join('\n'), /AuthorizedPrincipalsCommand \/usr\/bin\/false x lets nobody in: it ended with 1/)
  })

  test('AuthorizedKeysCommand may print authorities too, with options', async () => {
    const text = `principals="ops",cert-authority ${line(authority)}`
    await using it = await serving(
      ({ file }) => `AuthorizedKeysCommand /usr/bin/cat ${file('lines', text)}\nAuthorizedKeysCommandUser %u\n`,
    )
    assert.equal(await it.enter({ principals: ['ops'] }), 'in', it.lines.join('\n'))
    assert.equal(await it.enter({ principals: [it.account.name] }), 'refused')
  })

  test('AuthorizedKeysCommand is told the key and lets a plain one in', async () => {
    await using it = await serving(() => 'AuthorizedKeysCommand /usr/bin/printf "%%s %%s %%s\\n" %t %k %f\nAuthorizedKeysCommandUser %u\n')
    const client = await it.logIn({ signers: [key] })
    await client.close()
    assert.match(it.lines.join('\n'), /Accepted publickey for/)
  })
})
