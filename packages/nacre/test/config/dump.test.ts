// What `sshd -T` and `ssh -G` print can be read back, for any values a file can hold.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { clientKeywords } from '../../src/config/client-keywords.ts'
import { dumpClientConfig } from '../../src/config/client-dump.ts'
import { parseClientConfig } from '../../src/config/parse.ts'
import { dumpServerConfig, parseServerConfig } from '../../src/config/server-config.ts'
import { serverKeywords } from '../../src/config/server-keywords.ts'

const serverText = `Port 22
Port 2022
ListenAddress [::1]:2222
ListenAddress 10.0.0.1
AuthorizedKeysFile "/with space/%u" "say \\"hi\\"" back\\\\slash #not
HostKey /etc/a
HostKey "/etc/b c"
AuthenticationMethods publickey,password password
AllowUsers alice bob@10.0.0.*
AllowUsers "#hash"
RekeyLimit 1G 1h
MaxStartups 3
SetEnv A=1 "B=two words" C=
AcceptEnv LANG LC_*
Subsystem sftp /usr/lib/openssh/sftp-server -f AUTH
ForceCommand sh -c "echo '# $HOME'"
VersionAddendum a b
Ciphers ^aes128-gcm@openssh.com
PermitRootLogin without-password
`

describe('a dump', () => {
  test('of a server’s configuration reads back to the same values and the same dump', () => {
    const first = parseServerConfig([{ path: 'x', text: serverText }]).config
    const text = dumpServerConfig(first)
    const second = parseServerConfig([{ path: 'dump', text }]).config
    assert.deepEqual(second, first)
    assert.equal(dumpServerConfig(second), text)
    assert.match(text, /^Port 22\nPort 2022\n/)
    assert.match(text, /^PermitRootLogin prohibit-password$/m)
    assert.match(text, /^SetEnv A=1 "B=two words" C=$/m)
  })

  test('of a client’s configuration is written as OpenSSH writes it, not as it is read', () => {
    const text =
      'IdentityFile "~/a b"\nEscapeChar ^]\nSendEnv A B\nSendEnv -B*\nRemoteCommand ls # all\nConnectTimeout 5m\nRequestTTY force\nSetEnv A="1 2" B=\n'
    const lines = dumpClientConfig(parseClientConfig([{ path: 'x', text }], { host: 'h' }).config, 'h').split('\n')
    for (const line of [
      'host h',
      'identityfile ~/a b',
      'escapechar \\^]',
      'sendenv A',
      'remotecommand ls # all',
      'connecttimeout 300',
      'requesttty force',
      'setenv A=1 2',
      'setenv B=',
    ])
      assert.ok(lines.includes(line), line)
    assert.ok(!lines.includes('sendenv B'))
  })

  test('of the defaults reads back to the defaults', () => {
    const server = parseServerConfig([]).config
    assert.deepEqual(parseServerConfig([{ path: 'dump', text: dumpServerConfig(server) }]).config, server)
  })
})

describe('the tables', () => {
  test('name each keyword once, and a property is the name of its keyword', () => {
    for (const table of [serverKeywords, clientKeywords])
      for (const [property, row] of Object.entries(table)) assert.equal(row.name.toLowerCase(), property.toLowerCase())
  })
})

describe('keywords nobody but nacre knows', () => {
  const dump = (text: string): readonly string[] => dumpServerConfig(parseServerConfig([{ path: 'config', text }]).config).split('\n')
  const own = [
    'Workers 4',
    'InternalScp yes',
    'AuthenticationCommand /bin/accounts --all',
    'AuthenticationCommandUser auth',
    'LogFormat json',
  ]
  test('are printed when they say something, as they are read', () => {
    for (const line of own) assert.ok(dump(own.join('\n')).includes(line), line)
  })
  test('leave the print OpenSSH’s when they do not', () => {
    const names = new RegExp(`^(${own.map(line => line.split(' ')[0]).join('|')}) `, 'i')
    assert.deepEqual(
      dump('').filter(line => names.test(line)),
      [],
    )
  })
  test('take nothing else', () => {
    for (const text of ['LogFormat xml', 'AuthenticationCommand accounts', 'Match User ada\nLogFormat json'])
      assert.throws(() => parseServerConfig([{ path: 'config', text }]), /config line \d/)
    const { config } = parseServerConfig([{ path: 'config', text: 'Match User ada\nAuthenticationCommand /bin/other' }]).forConnection({
      user: 'ada',
    })
    assert.equal(config.authenticationCommand, '/bin/other')
  })
})
