// sshd_config as OpenSSH's sshd 10.5 reads it: what its -T printed for a table of configurations is what ours prints, and what it
// refused is refused.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import type { ConfigSource } from '../../src/config/document.ts'
import { BadValue } from '../../src/config/kinds.ts'
import { dumpServerConfig, parseServerConfig } from '../../src/config/server-config.ts'
import { readConnectionSpec } from '../../src/config/server-match.ts'
import { ConfigError } from '../../src/errors.ts'

interface Case {
  readonly text: string
  readonly spec?: string
  readonly refused?: true
  readonly added?: readonly string[]
  readonly gone?: readonly string[]
}
const recorded = JSON.parse(readFileSync(new URL('../vectors/sshd-config.json', import.meta.url), 'utf8')) as {
  readonly files: Readonly<Record<string, string>>
  readonly cases: readonly Case[]
}

const include = (pattern: string): readonly ConfigSource[] => {
  const name = pattern.replace(/^DIR\//, '')
  return Object.hasOwn(recorded.files, name) ? [{ path: pattern, text: recorded.files[name] }] : []
}

/** The groups of accounts that every system has. */
const groups: Readonly<Record<string, readonly string[]>> = { root: ['root'], nobody: ['nogroup'] }

const printed = (text: string, spec = ''): readonly string[] => {
  const all = parseServerConfig([{ path: 'sshd_config', text }], { include })
  const facts = readConnectionSpec(spec)
  const own = facts.user !== undefined && Object.hasOwn(groups, facts.user) ? { groups: groups[facts.user] } : {}
  const { config } = all.forConnection({ ...facts, ...own })
  return dumpServerConfig(config, { everyListenAddress: true, wholePath: path => path })
    .trimEnd()
    .split('\n')
}
const usual = printed('')

/** Where ours differs on purpose, by the text of the configuration. */
const different: Readonly<Record<string, string>> = {
  'AuthorizedKeysCommand /bin/keys': 'sshd misses the user when it starts, not when it reads',
  'AuthorizedPrincipalsCommand /bin/p %i': 'the same',
  'AuthenticationMethods hostbased,none': 'that nobody could log in is found when it starts',
  'PermitTunnel YES': 'ours reads words in any case',
}

/** sshd's print of these cannot be read back; ours is quoted, or one line. */
const readable = (lines: readonly string[]): readonly string[] =>
  lines.map(line => line.replace(/^Banner \/with space$/, 'Banner "/with space"').replace(/^AllowUsers c d$/, 'AllowUsers "c d"'))

/** Their defaults are of a build, or ours. */
const ofBuild =
  /^(RequiredRSASize|PidFile|ModuliFile|Ciphers|Macs|KexAlgorithms|CASignatureAlgorithms|HostbasedAcceptedAlgorithms|HostKeyAlgorithms|PubkeyAcceptedAlgorithms) /

const without = (lines: readonly string[], others: readonly string[]): readonly string[] => {
  const left = [...others]
  return lines.filter(line => {
    const at = left.indexOf(line)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}

describe('sshd 10.5 and ours', () => {
  for (const { text, spec, refused, added = [], gone = [] } of recorded.cases) {
    if (Object.hasOwn(different, text)) continue
    test(`${JSON.stringify(text.length > 200 ? `${text.slice(0, 40)}…` : text)}${spec === undefined ? '' : ` for ${spec}`}`, () => {
      if (refused === true) {
        assert.throws(
          () => printed(text, spec),
          error => error instanceof ConfigError || error instanceof BadValue,
        )
        return
      }
      const ours = printed(text, spec)
      assert.deepEqual(
        { added: without(ours, usual), gone: without(usual, ours).filter(line => !ofBuild.test(line)) },
        { added: readable(added), gone },
      )
    })
  }
})
