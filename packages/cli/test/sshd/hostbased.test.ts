// Whether a host may vouch for its user: the name it is known by, the files that let its users in, and its key, as OpenSSH's sshd
// decides. A table of what the configuration and the files say, and what comes of it.
import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { issueCertificate, type Certificate, formatPublicKeyLine, type Signer } from 'nacre/keys'
import { AuthenticationError } from 'nacre'
import { nodeCrypto } from 'nacre/crypto/node'
import { type Account, ownAccount } from '../../src/sshd/account.ts'
import { hostMayVouch } from '../../src/sshd/hostbased.ts'
import { accountAt, authorize, configOf, newKey, temporaryFolder, world } from './world.ts'

const root = process.geteuid?.() === 0
/** Not root, whom no file of the machine lets in. */
const plain: Account = root ? { name: 'nobody', uid: 65534, gid: 65534, home: '', shell: '/bin/sh' } : ownAccount()

interface Case {
  readonly config?: string
  /** Files of the home, and of the machine: text by name. `KEY` is the host's key, `OTHER` another. */
  readonly home?: Readonly<Record<string, string>>
  readonly machine?: Readonly<Record<string, string>>
  readonly host?: string
  readonly user?: string
  readonly address?: string | undefined
  readonly account?: Account
  readonly modes?: Readonly<Record<string, number>>
  readonly signer?: Signer
  readonly certificate?: Certificate
}

const key = await newKey('host')
const other = await newKey('other')
const lineOf = (signer: Signer): string => formatPublicKeyLine(signer.publicKey)
const usual: Case = {
  home: { '.shosts': 'desk.example.org lovelace\n', '.ssh/known_hosts': 'desk.example.org KEY\n' },
  config: 'HostbasedAuthentication yes\nIgnoreRhosts no\nHostbasedUsesNameFromPacketOnly yes\n',
}

const decide = async (given: Case): Promise<{ readonly allowed: boolean; readonly said: string }> => {
  using folder = temporaryFolder()
  const it = { ...usual, ...given }
  const home = join(folder.path, 'home')
  chmodSync(folder.path, 0o755)
  const account = { ...plain, ...it.account, home }
  const write = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(join(path, '..'), { recursive: true, mode: 0o755 })
    writeFileSync(path, text.replaceAll('KEY', lineOf(key)).replaceAll('OTHER', lineOf(other)))
    chmodSync(path, mode)
    if (root) chownSync(path, account.uid, account.gid)
  }
  mkdirSync(home, { mode: 0o755 })
  for (const [name, text] of Object.entries(it.home ?? {})) write(join(home, name), text, it.modes?.[name])
  const files = ['hosts.equiv', 'shosts.equiv', 'ssh_known_hosts', 'ssh_known_hosts2'].map(each => join(folder.path, each))
  for (const [name, text] of Object.entries(it.machine ?? {})) write(join(folder.path, name), text)
  if (it.modes?.home !== undefined) chmodSync(home, it.modes.home)
  const said: string[] = []
  const { config } = configOf(it.config ?? '')
  const { publicKey } = it.signer ?? key
  const allowed = await hostMayVouch(
    config,
    {
      account,
      claim: {
        host: it.host ?? 'desk.example.org',
        user: it.user ?? 'lovelace',
        type: publicKey.type,
        algorithm: publicKey.type,
        blob: it.certificate?.blob ?? publicKey.blob,
        fingerprint: () => publicKey.fingerprint(),
      },
      certificate: it.certificate,
      address: 'address' in it ? it.address : '192.0.2.7',
      say: text => said.push(text),
    },
    {
      files: { equivalent: [files[0], files[1]], knownHosts: [files[2], files[3]] },
      nameOf: async address => (address === '192.0.2.7' ? 'desk.example.org' : address),
      inNetgroup: () => false,
    },
  )
  return { allowed, said: said.join('\n') }
}

const byAddress = 'HostbasedAuthentication yes\nIgnoreRhosts no\n'
const known = { '.ssh/known_hosts': 'desk.example.org KEY\n' }
const shosts = { '.shosts': 'desk.example.org lovelace\n' }

describe('a host may vouch', () => {
  const yes: readonly [string, Case][] = [
    ['when its user stands in .shosts and its key is known', {}],
    ['by .rhosts too', { home: { ...known, '.rhosts': shosts['.shosts'] } }],
    ['by .shosts when only that counts', { config: `${byAddress.replace(' no', ' shosts-only')}HostbasedUsesNameFromPacketOnly yes` }],
    [
      'by its address, where no names are looked up',
      { config: byAddress, home: { '.shosts': '192.0.2.7 lovelace', '.ssh/known_hosts': '192.0.2.7 KEY' } },
    ],
    ['by the name its address maps to', { config: `${byAddress}UseDNS yes`, host: 'made-up' }],
    [
      'for a namesake of shosts.equiv, whatever IgnoreRhosts says',
      { config: 'HostbasedUsesNameFromPacketOnly yes', user: plain.name, home: known, machine: { 'shosts.equiv': 'desk.example.org' } },
    ],
    ['by hosts.equiv', { user: plain.name, home: known, machine: { 'hosts.equiv': 'desk.example.org' } }],
    ['with a key the machine knows', { home: shosts, machine: { ssh_known_hosts: 'desk.example.org KEY' } }],
    ['with a key of the second files, when the first have none', { home: { ...shosts, '.ssh/known_hosts2': 'desk.example.org KEY' } }],
    ['with one of several known keys', { home: { ...shosts, '.ssh/known_hosts': 'desk.example.org OTHER\ndesk.example.org KEY\n' } }],
    [
      'from a file others may write, without StrictModes',
      { config: `${usual.config}StrictModes no`, modes: { '.shosts': 0o666, '.ssh/known_hosts': 0o666 } },
    ],
    ['without an address, by the name it says', { address: undefined }],
  ]
  for (const [what, given] of yes)
    test(what, async () => {
      const { allowed, said } = await decide(given)
      assert.ok(allowed, said)
    })
})

describe('a host may not vouch', () => {
  const no: readonly [string, Case, RegExp][] = [
    ['without any file', { home: known }, /no file lets lovelace of desk\.example\.org in/],
    ['for another of its users', { user: 'babbage' }, /no file lets babbage/],
    ['when another host is listed', { home: { ...known, '.shosts': 'cellar.example.org lovelace' } }, /no file lets/],
    ['under another name than is listed', { host: 'cellar.example.org' }, /no file lets/],
    [
      'when a line keeps it out',
      { home: { ...known, '.shosts': 'desk.example.org -lovelace\ndesk.example.org lovelace' } },
      /\.shosts:1 keeps/,
    ],
    ['by .shosts when that is ignored, as it is by default', { config: 'HostbasedUsesNameFromPacketOnly yes' }, /no file lets/],
    [
      'by .rhosts when only .shosts counts',
      {
        config: `${byAddress.replace(' no', ' shosts-only')}HostbasedUsesNameFromPacketOnly yes`,
        home: { ...known, '.rhosts': shosts['.shosts'] },
      },
      /no file lets/,
    ],
    [
      'by a name that its address does not have',
      { config: byAddress },
      /mismatch: client sends desk\.example\.org, but we resolve 192\.0\.2\.7 to 192\.0\.2\.7/,
    ],
    ['by a name that only it says', { config: `${byAddress}UseDNS yes`, address: '192.0.2.66' }, /mismatch/],
    ['without an address, when the name must come from that', { config: byAddress, address: undefined }, /^$/],
    ['from a .shosts that others may write', { modes: { '.shosts': 0o664 } }, /bad modes for \S+\.shosts/],
    ['from a home that others may write', { modes: { home: 0o777 } }, /bad ownership or modes for home directory/],
    ['with a key nobody knows', { home: shosts }, /is not known of the host desk/],
    ['with another key than is known', { home: { ...shosts, '.ssh/known_hosts': 'desk.example.org OTHER' } }, /is not known/],
    ['with the key of another host', { home: { ...shosts, '.ssh/known_hosts': 'cellar.example.org KEY' } }, /is not known/],
    [
      'with a key the second files know, when the first know another',
      { home: { ...shosts, '.ssh/known_hosts': 'desk.example.org OTHER', '.ssh/known_hosts2': 'desk.example.org KEY' } },
      /is not known/,
    ],
    ['with a revoked key', { home: { ...shosts, '.ssh/known_hosts': 'desk.example.org KEY\n@revoked * KEY\n' } }, /revoked key/],
    ['with a key only its user says is known, when that is ignored', { config: `${usual.config}IgnoreUserKnownHosts yes` }, /is not known/],
    [
      'with a key from a known_hosts that others may write',
      { modes: { '.ssh/known_hosts': 0o666 } },
      /bad owner or modes for \S+known_hosts/,
    ],
  ]
  for (const [what, given, why] of no)
    test(what, async () => {
      const { allowed, said } = await decide(given)
      assert.equal(allowed, false, said)
      assert.match(said, why)
    })
  test('for root by shosts.equiv', { skip: !root && 'needs root' }, async () => {
    const account = { ...plain, name: 'root', uid: 0, gid: 0 }
    const machine = { 'shosts.equiv': 'desk.example.org root' }
    assert.equal((await decide({ account, user: 'root', home: known, machine })).allowed, false)
    assert.equal(
      (await decide({ user: plain.name, home: known, machine: { 'shosts.equiv': `desk.example.org ${plain.name}` } })).allowed,
      true,
    )
  })
})

describe('a host with a certificate', async () => {
  const authority = await newKey('authority')
  const issued = (change: Partial<Parameters<typeof issueCertificate>[0]> = {}): Promise<Certificate> =>
    issueCertificate({
      signer: authority,
      key: key.publicKey,
      kind: 'host',
      principals: ['desk.example.org'],
      keyId: 'desk',
      serial: 1n,
      random: nodeCrypto().random,
      ...change,
    })
  const trusted = { ...shosts, '.ssh/known_hosts': `@cert-authority *.example.org ${lineOf(authority)}\n` }
  test('may vouch when its authority is trusted for it', async () => {
    const { allowed, said } = await decide({ home: trusted, certificate: await issued() })
    assert.ok(allowed, said)
  })
  for (const [what, change, why] of [
    ['for another host', { principals: ['cellar.example.org'] }, /is for "cellar/],
    ['that has expired', { validBefore: 1000n }, /expired/],
    ['of a user', { kind: 'user' }, /that of a user/],
  ] as const)
    test(`may not with one ${what}`, async () => {
      const { allowed, said } = await decide({ home: trusted, certificate: await issued(change) })
      assert.equal(allowed, false)
      assert.match(said, why)
    })
  test('may not by an authority that nobody trusts, though its key is known', async () => {
    assert.equal((await decide({ home: { ...shosts, ...known }, certificate: await issued() })).allowed, false)
  })
})

describe('at the server', () => {
  const config = 'HostbasedAuthentication yes\nIgnoreRhosts no\n'
  const place = async (shostsLine: string, more = '') => {
    const folder = temporaryFolder()
    const account = accountAt(folder.path)
    authorize(account, [lineOf(other)])
    writeFileSync(join(folder.path, '.shosts'), shostsLine, { mode: 0o644 })
    writeFileSync(join(folder.path, '.ssh/known_hosts'), `192.0.2.7 ${lineOf(key)}\n`, { mode: 0o644 })
    const server = await world(account, { config: `${config}${more}`, level: 'VERBOSE' })
    return {
      ...server,
      account,
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]()
        folder[Symbol.dispose]()
      },
    }
  }
  const hostBased = { host: 'desk.example.org', user: 'lovelace', signers: [key] }

  test('its word logs in, and the log says whose', async () => {
    await using it = await place('192.0.2.7 lovelace')
    const client = await it.logIn({ hostBased })
    void client.close()
    const said = it.lines.find(line => line.startsWith('Accepted'))
    assert.equal(
      said,
      `Accepted hostbased for ${it.account.name} from 192.0.2.7 port 50022 ssh2: ED25519 ${key.publicKey.fingerprint()}, client user "lovelace", client host "desk.example.org."`,
    )
  })
  test('is not taken where it is not enabled, nor of a user who is not listed', async () => {
    await using off = await place('192.0.2.7 lovelace', '')
    const refusal = async (attempt: Promise<unknown>): Promise<AuthenticationError> => {
      const error = await attempt.then(() => assert.fail('it logged in')).catch((caught: unknown) => caught)
      assert.ok(error instanceof AuthenticationError, String(error))
      return error
    }
    const error = await refusal(off.logIn({ hostBased: { ...hostBased, user: 'babbage' } }))
    assert.deepEqual(
      error.attempts.map(each => `${each.method} ${each.outcome}`),
      ['none refused', 'hostbased refused'],
    )
    await using never = await world(off.account, { config: '' })
    assert.ok(!(await refusal(never.logIn({ hostBased }))).remaining.includes('hostbased'))
  })
  test('is one step of a chain, beside a key of the user', async () => {
    await using it = await place('192.0.2.7 lovelace', 'AuthenticationMethods hostbased,publickey\n')
    const client = await it.logIn({ hostBased, signers: [other] })
    void client.close()
    const said = it.lines.filter(line => /^(Accepted|Partial) (hostbased|publickey) for/.test(line)).map(line => line.split(' for')[0])
    assert.deepEqual(said, ['Partial hostbased', 'Accepted publickey'])
  })
})
