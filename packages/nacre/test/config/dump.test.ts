// What `sshd -T` and `ssh -G` print can be read back, for any values a file can hold.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { clientKeywords } from '../../src/config/client-keywords.ts'
import { dumpClientConfig, parseClientConfig } from '../../src/config/parse.ts'
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

  test('of a client’s configuration does too', () => {
    const text =
      'HostName h\nIdentityFile "~/a b"\nEscapeChar ^]\nSendEnv A -B*\nRemoteCommand ls # all\nConnectTimeout 5m\nRequestTTY force\n'
    const first = parseClientConfig([{ path: 'x', text }], { host: 'h' }).config
    const shown = dumpClientConfig(first)
    assert.deepEqual(parseClientConfig([{ path: 'dump', text: shown }], { host: 'h' }).config, first)
    assert.match(shown, /^escapechar \^\]$/m)
    assert.match(shown, /^connecttimeout 300$/m)
  })

  test('of the defaults reads back to the defaults', () => {
    const server = parseServerConfig([]).config
    assert.deepEqual(parseServerConfig([{ path: 'dump', text: dumpServerConfig(server) }]).config, server)
    const client = parseClientConfig([], { host: 'h' }).config
    assert.deepEqual(parseClientConfig([{ path: 'dump', text: dumpClientConfig(client) }], { host: 'h' }).config, client)
  })
})

describe('the tables', () => {
  test('name each keyword once, and a property is the name of its keyword', () => {
    for (const table of [serverKeywords, clientKeywords])
      for (const [property, row] of Object.entries(table)) assert.equal(row.name.toLowerCase(), property.toLowerCase())
  })
})
