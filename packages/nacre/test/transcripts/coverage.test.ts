// Every row of the tables of algorithms and of authentication methods has a transcript with a real peer, and so has every peer
// in each of its roles.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { defaultTables } from '../../src/algorithms/tables.ts'
import { authMethods } from '../../src/auth/methods/table.ts'
import { UserauthRequest } from '../../src/auth/messages.ts'
import { decodeMessage } from '../../src/wire/message.ts'
import { type Kept, kept } from './recorded.ts'

interface Way {
  readonly cipher: string
  readonly mac?: string
  readonly compression: string
}

/** Names that were used, for each role of ours. */
const used = { client: new Set<string>(), server: new Set<string>() }
const note = ({ recorded: { header, events = [], packets } }: Kept): void => {
  const names = used[header.role]
  for (const each of events) {
    if (each.event !== 'exchanged') continue
    names.add(`kex ${each.kex as string}`).add(`host key ${each.hostKey as string}`)
    for (const way of [each.clientToServer, each.serverToClient] as readonly Way[]) {
      names.add(`cipher ${way.cipher}`).add(`compression ${way.compression}`)
      if (way.mac !== undefined) names.add(`mac ${way.mac}`)
    }
  }
  for (const each of packets) if (each.number === 50) names.add(`auth ${decodeMessage(UserauthRequest, each.payload).methodName}`)
}
// Only a recording of the wire shows that an algorithm works.
const recordings = kept().filter(each => each.recorded.wire !== undefined)
for (const each of recordings) note(each)

/** Rows that no transcript shows, and why. */
const missing: Readonly<Record<string, string>> = {
  'host key sk-ssh-ed25519@openssh.com': 'a host whose key lies in a token that is touched for each connection is no host',
  'host key sk-ecdsa-sha2-nistp256@openssh.com': 'the same',
  'host key webauthn-sk-ecdsa-sha2-nistp256@openssh.com': 'only browsers make these, for users',
  'auth hostbased': "its peers want files of the whole machine, which a recording does not touch; interop/hostbased.test.ts has them",
  'auth gssapi-with-mic': 'no mechanism stands behind it yet, so no peer can speak it with us',
  'auth gssapi-keyex': 'the same',
}

const rows: Readonly<Record<string, readonly { readonly name: string }[]>> = {
  kex: defaultTables.kexMethods,
  'host key': defaultTables.signatures,
  cipher: defaultTables.ciphers,
  mac: defaultTables.macs,
  compression: defaultTables.compressions,
  auth: authMethods,
}

describe('our server has a transcript of a login whose request comes by another name:', () => {
  for (const name of authMethods.flatMap(each => each.alsoNamed ?? []))
    it(name, () => assert.ok(used.server.has(`auth ${name}`), `no transcript shows ${name}; OpenSSH's ssh uses it by itself`))
})

for (const role of ['client', 'server'] as const) {
  describe(`our ${role} has a transcript of`, () => {
    for (const [kind, list] of Object.entries(rows)) {
      for (const { name } of list) {
        const row = `${kind} ${name}`
        it(row, () => {
          if (row in missing) assert.ok(!used[role].has(row), `${row} is there now: take it from the exceptions (${missing[row]})`)
          else assert.ok(used[role].has(row), `no transcript shows ${row}; npm run record -- --help says how one is made`)
        })
      }
    }
  })
}

const changesKeys = ({ recorded: { events = [] } }: Kept): boolean => events.some(each => each.event === 'exchanged' && each.first === false)

describe('a transcript shows', () => {
  const peers: Readonly<Record<string, { readonly roles: readonly string[]; readonly software: RegExp; readonly neverRekeys?: string }>> = {
    'openssh-9.2': { roles: ['client', 'server'], software: /^OpenSSH_9\.2/ },
    'openssh-10.5': { roles: ['client', 'server'], software: /^OpenSSH_10\.5/ },
    dropbear: { roles: ['client', 'server'], software: /^dropbear_/ },
    libssh: { roles: ['client', 'server'], software: /^libssh_/ },
    paramiko: { roles: ['client', 'server'], software: /^paramiko_/ },
    asyncssh: { roles: ['client', 'server'], software: /^AsyncSSH_/, neverRekeys: 'client' },
    ssh2: { roles: ['client', 'server'], software: /^ssh2js/ },
    putty: { roles: ['client'], software: /^PuTTY_/ },
  }
  for (const [peer, { roles, software, neverRekeys }] of Object.entries(peers)) {
    for (const role of roles) {
      it(`${peer} as ${role}, as it negotiates by itself, with new keys, and refused`, () => {
        const its = recordings.filter(each => each.name.startsWith(`${peer}/${role}-`))
        for (const each of its) {
          const identified = each.recorded.events?.find(event => event.event === 'identified')
          assert.match(String(identified?.softwareVersion), software)
          assert.notEqual(each.recorded.header.role, role)
        }
        for (const wanted of ['default', 'refused', 'password']) assert.ok(its.some(each => each.name === `${peer}/${role}-${wanted}`), wanted)
        // AsyncSSH's client goes on using its channel in the middle of an exchange, which ends the connection.
        assert.equal(its.some(changesKeys), neverRekeys !== role, 'new keys')
      })
    }
  }
  it('what AsyncSSH does in the middle of a key exchange, and that it ends the connection', () => {
    const ends = recordings.filter(each => each.recorded.header.expects !== undefined).map(each => `${each.name}: ${each.recorded.header.expects}`)
    assert.deepEqual(ends, [
      'asyncssh/client-channel-in-exchange: message-during-key-exchange',
      'asyncssh/client-opens-in-exchange: message-during-key-exchange',
      'asyncssh/server-channel-in-exchange: message-during-key-exchange',
    ])
  })
})
