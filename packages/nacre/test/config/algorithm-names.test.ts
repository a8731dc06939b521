// Names of algorithms in ssh_config and sshd_config: what nobody knows is refused when the file is read, with file and line, wherever it stands.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { connect } from '../../src/client/connect-node.ts'
import { parseClientConfig } from '../../src/config/parse.ts'
import { parseServerConfig } from '../../src/config/server-config.ts'
import { ConfigError } from '../../src/errors.ts'

type Parse = (text: string) => object
const parse: Parse = text => parseClientConfig([{ path: 'config', text }], { host: 'box' }).config
const parseServers: Parse = text => parseServerConfig([{ path: 'config', text }]).config
const refusal = (text: string, parse: Parse): string => {
  try {
    parse(text)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.message
  }
  return assert.fail(`${text} was taken`)
}

const lists = [
  ['Ciphers', 'aes256-ctr', 'cipher'],
  ['MACs', 'hmac-sha2-256', 'MAC'],
  ['KexAlgorithms', 'curve25519-sha256', 'key exchange method'],
  ['HostKeyAlgorithms', 'ssh-ed25519-cert-v01@openssh.com', 'signature algorithm'],
  ['PubkeyAcceptedAlgorithms', 'sk-ssh-ed25519@openssh.com', 'signature algorithm'],
  ['HostbasedAcceptedAlgorithms', 'rsa-sha2-512', 'signature algorithm'],
  ['CASignatureAlgorithms', 'ssh-ed25519', 'CA signature algorithm'],
] as const

const sides = [
  { file: 'ssh_config', parse, elsewhere: 'Host elsewhere', global: false },
  { file: 'sshd_config', parse: parseServers, elsewhere: 'Match User somebody', global: true },
] as const
/** Those sshd_config may have in a block. */
const inBlocks: ReadonlySet<string> = new Set(['PubkeyAcceptedAlgorithms', 'HostbasedAcceptedAlgorithms', 'CASignatureAlgorithms'])

for (const { file, parse, elsewhere, global } of sides)
  for (const [keyword, name, what] of lists)
    describe(`${keyword} of ${file}`, () => {
      test('takes names that there are, and signs in front of them', () => {
        for (const sign of ['', '+', '-', '^']) assert.ok(parse(`${keyword} ${sign}${name}`))
      })
      test('takes anything away, known or not', () => {
        assert.ok(parse(`${keyword} -${name},no-such-thing`))
      })
      test('refuses another name with file and line, in a block for others too', () => {
        const block = global && !inBlocks.has(keyword) ? '# no block' : elsewhere
        for (const list of ['no-such-thing', `${name},no-such-thing`, '+no-such-thing', '^no-such-thing'])
          assert.ok(
            refusal(`Port 22\n${block}\n${keyword} ${list}`, parse).startsWith(
              `config line 3: ${keyword} is bad: "no-such-thing" is not a ${what} nacre knows. It knows: `,
            ),
          )
      })
      test('refuses to leave nothing', () => {
        assert.match(refusal(`${keyword} -*`, parse), new RegExp(`^config line 1: ${keyword} is bad: No ${what} is left`))
      })
    })

test('a program is told the same when it connects, and nothing is connected to', async () => {
  await assert.rejects(connect('box', { config: { file: 'none', options: ['Ciphers=no-such-thing'] } }), (error: unknown) => {
    assert.ok(error instanceof ConfigError)
    assert.match(error.message, /^command line: Ciphers is bad: "no-such-thing" is not a cipher/)
    return true
  })
})
