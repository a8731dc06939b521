// Remembering a host key in a file: the line is added, and nothing else about the file changes.
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { knownHosts, type KnownHostsOptions } from '../../src/client/known-hosts-node.ts'
import { HostKeyError } from '../../src/errors.ts'
import type { IssueOptions } from '../../src/keys/authority.ts'
import type { Certificate } from '../../src/keys/certificate.ts'
import { formatPublicKeyLine, parsePublicKey } from '../../src/keys/public.ts'
import { testKey } from '../auth/fixtures.ts'
import { issue, signerOf } from '../keys/certificates.ts'
import { publicKey } from '../keys/fixtures.ts'

const folder = mkdtempSync(join(tmpdir(), 'nacre-known-hosts-'))
after(() => rmSync(folder, { recursive: true }))

const { blob, fingerprint, algorithm } = testKey(5)
const presented = { key: parsePublicKey(blob), fingerprint, algorithm, host: 'host.example', port: 22, address: undefined }
const modeOf = (file: string): number => statSync(file).mode & 0o777

const remember = async (file: string): Promise<void> => {
  const { policy } = await knownHosts({ files: [file], strict: 'accept-new' })
  await policy(presented)
}

describe('a host key that is remembered', () => {
  it('makes a file only its owner can read, in folders only its owner can enter', async () => {
    const file = join(folder, 'fresh', 'known_hosts')
    await remember(file)
    assert.match(readFileSync(file, 'utf8'), /^host\.example ssh-ed25519 \S+\n$/)
    assert.equal(modeOf(file), 0o600)
    assert.equal(modeOf(join(folder, 'fresh')), 0o700)
  })

  // Whoever remembers keys in /dev/null as root must not close it to everybody else.
  it('leaves the mode of a file that was there alone', async () => {
    const file = join(folder, 'shared')
    writeFileSync(file, '# no newline at the end')
    chmodSync(file, 0o664)
    await remember(file)
    assert.match(readFileSync(file, 'utf8'), /^# no newline at the end\nhost\.example ssh-ed25519 \S+\n$/)
    assert.equal(modeOf(file), 0o664)
  })
})

describe('a host that shows a certificate', () => {
  const authority = formatPublicKeyLine(publicKey('ed25519'))
  const line = (name: string): string => formatPublicKeyLine(publicKey(name))
  const host = (changes: Partial<IssueOptions> = {}) => issue({ kind: 'host', principals: ['host.example', '*.lab.example'], ...changes })
  /** What the policy says, by known_hosts of these lines: nothing, or its error. */
  const judge = async (
    certificate: Certificate,
    lines: readonly string[],
    options: Partial<KnownHostsOptions> = {},
    place: { readonly host: string; readonly port: number } = { host: 'host.example', port: 22 },
  ): Promise<HostKeyError | undefined> => {
    const file = join(mkdtempSync(join(folder, 'known-')), 'known_hosts')
    writeFileSync(file, lines.map(each => `${each}\n`).join(''))
    const { policy } = await knownHosts({ files: [file], ...options })
    const key = parsePublicKey(certificate.blob)
    try {
      await policy({ key, fingerprint: key.fingerprint(), algorithm: certificate.type, address: undefined, ...place })
      return undefined
    } catch (error) {
      assert.ok(error instanceof HostKeyError, String(error))
      return error
    }
  }
  const trusts = [`@cert-authority host.example,*.lab.example,[host.example]:2222 ${authority}`]

  it('is trusted by its authority, under any of its names', async () => {
    assert.equal(await judge(await host(), trusts), undefined)
    assert.equal(await judge(await host(), trusts, {}, { host: 'Host.Example', port: 2222 }), undefined)
    assert.equal(await judge(await host(), trusts, {}, { host: 'a.lab.example', port: 2200 }), undefined)
    assert.equal(await judge(await host(), trusts, { alias: 'b.lab.example' }, { host: '192.0.2.1', port: 2200 }), undefined)
  })

  it('is unknown when the certificate does not hold, and the reason is told', async () => {
    const over = BigInt(Date.UTC(2021, 0, 1) / 1000)
    for (const [certificate, words] of [
      [await host({ principals: ['other.example'] }), /is for "other\.example", not for "host\.example"/],
      [await host({ principals: [] }), /lists no principals/],
      [await host({ validBefore: over }), /expired at 2021-01-01T00:00:00Z/],
      [await host({ kind: 'user' }), /is that of a user/],
      [await host({ criticalOptions: { x: true } }), /certificates of hosts may have none/],
      [
        await host({ signer: signerOf('ecdsa256') }),
        /by the authority ecdsa-sha2-nistp256 SHA256:\S+, which no @cert-authority line trusts for it\. For this host .*known_hosts line 1 trusts SHA256:/,
      ],
    ] as const) {
      const error = await judge(certificate, trusts)
      assert.equal(error?.code, 'HOST_KEY_UNKNOWN')
      assert.match(error.message, words)
      assert.equal(error.keyType, 'ecdsa-sha2-nistp256', 'it is the plain key that is unknown')
    }
  })

  it('whose certificate does not hold is known by its key, and somebody is told', async () => {
    const notes: string[] = []
    const expired = await host({ validBefore: BigInt(Date.UTC(2021, 0, 1) / 1000) })
    const known = `host.example ${line('ecdsa256')}`
    assert.equal(await judge(expired, [...trusts, known], { onNote: note => notes.push(note) }), undefined)
    assert.match(notes.join(), /does not count, so its key is looked up\. .*expired/)
    assert.equal(await judge(expired, [known]), undefined)
  })

  it('that is new is remembered by its plain key, not by its certificate', async () => {
    const file = join(folder, 'certified', 'known_hosts')
    const { policy } = await knownHosts({ files: [file], strict: 'accept-new' })
    const certificate = await host()
    await policy({ ...presented, key: parsePublicKey(certificate.blob), algorithm: certificate.type })
    assert.equal(readFileSync(file, 'utf8'), `host.example ${line('ecdsa256').split(' ').slice(0, 2).join(' ')}\n`)
  })

  it('is refused when its authority or its key is revoked, whoever else is trusted', async () => {
    const byAuthority = await judge(await host(), [...trusts, `@revoked * ${authority}`])
    assert.equal(byAuthority?.code, 'HOST_KEY_REVOKED')
    assert.match(
      byAuthority.message,
      /The authority that signed the host certificate of host\.example \(ssh-ed25519 SHA256:\S+\) is revoked by .* line 2/,
    )
    assert.equal((await judge(await host(), [...trusts, `@revoked host.example ${line('ecdsa256')}`]))?.code, 'HOST_KEY_REVOKED')
  })

  it('is refused by a list of revoked keys, and by one that cannot be read', async () => {
    for (const name of ['ed25519', 'ecdsa256']) {
      const list = join(folder, `revoked-${name}`)
      writeFileSync(list, `${line(name)}\n`)
      assert.equal((await judge(await host(), trusts, { revoked: list }))?.code, 'HOST_KEY_REVOKED')
    }
    const error = await judge(await host(), trusts, { revoked: '/nowhere/at/all' })
    assert.equal(error?.code, 'HOST_KEY_REFUSED')
    assert.match(error.message, /cannot be read, so no host key is trusted/)
  })

  it('is refused when its authority signs with what may not be used', async () =>
    assert.match(
      (await judge(await host(), trusts, { authorityAlgorithms: ['rsa-sha2-512'] }))?.message ?? '',
      /is signed with ssh-ed25519/,
    ))
})
