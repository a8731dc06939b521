// Owns the targets for the texts people and tools write: keys, known_hosts, authorized_keys, configuration, command lines,
// destinations. Each is read or refused in words for people, and what can be written again means the same.
import assert from 'node:assert/strict'
import { sshdOptions } from '../../packages/cli/src/sshd/options.ts'
import { readSshCommand, sshOptions } from '../../packages/cli/src/ssh/options.ts'
import { getopt, UsageError } from '../../packages/cli/src/getopt.ts'
import { parseDestination } from '../../packages/nacre/src/client/destination.ts'
import { quote } from '../../packages/nacre/src/client/quote.ts'
import { clientDialect, clientKeywords } from '../../packages/nacre/src/config/client-keywords.ts'
import { dumpClientConfig } from '../../packages/nacre/src/config/client-dump.ts'
import { parseClientConfig } from '../../packages/nacre/src/config/parse.ts'
import type { ConfigSource } from '../../packages/nacre/src/config/document.ts'
import { dumpServerConfig, parseServerConfig } from '../../packages/nacre/src/config/server-config.ts'
import { type KeywordTable } from '../../packages/nacre/src/config/table.ts'
import { serverDialect, serverKeywords } from '../../packages/nacre/src/config/server-keywords.ts'
import { SshError } from '../../packages/nacre/src/errors.ts'
import { parseAuthorizedKeys } from '../../packages/nacre/src/keys/authorized-keys.ts'
import { decodeBase64, encodeBase64 } from '../../packages/nacre/src/keys/base64.ts'
import { parseKeyOptions } from '../../packages/nacre/src/keys/key-options.ts'
import { formatKnownHostsLine, knownHostKeyAlgorithms, lookUpHostKey, parseKnownHosts } from '../../packages/nacre/src/keys/known-hosts.ts'
import { formatPublicKeyLine, parsePublicKeyLine, sameBlob } from '../../packages/nacre/src/keys/public.ts'
import { matchesPatternList, matchesWildcard } from '../../packages/nacre/src/patterns.ts'
import { addressRanges, parseAddress } from '../../packages/nacre/src/addresses.ts'
import { choose, type Target, textOf, unlessRefused, unseen, utf8Bytes } from '../rig/target.ts'
import { knownHostsFiles, publicKeyLines } from '../rig/vectors.ts'

const line = publicKeyLines().find(each => each.startsWith('ssh-ed25519')) ?? ''
const key = parsePublicKeyLine(line)
const [keyType, keyBase64] = line.split(' ')

/** Lines that are neither empty nor comments: each is an entry or a problem. Blanks are what sshd takes for blanks. */
const meaningful = (text: string): number => text.split('\n').filter(each => !/^[ \t]*(#|[ \t\r]*$)/.test(each)).length

/** Problems are sentences for people. */
const checkProblems = (problems: readonly { readonly problem: string }[]): void => {
  for (const { problem } of problems)
    assert.ok(problem !== '' && !unseen.test(problem), `a problem that garbles a terminal: ${JSON.stringify(problem)}`)
}

const publicKeyLine: Target = {
  name: 'public-key-line',
  about: 'lines of .pub files: refused, or the same key again after writing',
  words: [keyType, keyBase64, 'AAAA', '==', ' comment'],
  seeds: () => publicKeyLines().map(utf8Bytes),
  run: (input, note) => {
    const read = unlessRefused(() => parsePublicKeyLine(textOf(input)), note)
    if (read === undefined) return
    const again = parsePublicKeyLine(formatPublicKeyLine(read))
    assert.ok(again.equals(read))
    assert.equal(formatPublicKeyLine(again), formatPublicKeyLine(read))
  },
}

const knownHosts: Target = {
  name: 'known-hosts',
  about: 'known_hosts: entries, problems in words, and an answer for any host',
  words: ['@revoked ', '@cert-authority ', '|1|', 'example.org', '[example.org]:2222', '*', '!', ',', keyType, keyBase64],
  seeds: () => [
    utf8Bytes(`example.org,10.0.0.1 ${line}\n@revoked * ${line}`),
    utf8Bytes(`[example.org]:2222 ${line}\n# comment\n!a,* ${line}`),
    ...knownHostsFiles().map(utf8Bytes),
    utf8Bytes(`|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ${line}`),
  ],
  run: (input, note) => {
    const file = parseKnownHosts(textOf(input), 'known_hosts')
    checkProblems(file.problems)
    assert.equal(file.entries.length + file.problems.length, meaningful(textOf(input)))
    for (const port of [22, 2222]) {
      const place = { host: 'example.org', port }
      note(`${lookUpHostKey([file], place, key.blob).is} ${file.entries.length > 0} ${file.problems.length > 0}`)
      knownHostKeyAlgorithms([file], place)
    }
  },
}

const knownHostsLine: Target = {
  name: 'known-hosts-line',
  about: 'a host name that is accepted for a line is found again by that line, and no other host is',
  words: ['example.org', '::1', '[', ']:22', '|', '*', '!', ','],
  seeds: () => [utf8Bytes('example.org'), utf8Bytes('fe80::1%eth0'), utf8Bytes('EXAMPLE.org')],
  run: input => {
    const host = textOf(input)
    for (const port of [22, 2222]) {
      let written: string
      try {
        written = formatKnownHostsLine(host, port, key.blob)
      } catch (error) {
        if (error instanceof TypeError) return
        throw error
      }
      const file = parseKnownHosts(written, 'known_hosts')
      assert.equal(file.problems.length, 0, JSON.stringify(file.problems))
      assert.equal(lookUpHostKey([file], { host, port }, key.blob).is, 'known')
      assert.notEqual(lookUpHostKey([file], { host: `${host}x`, port }, key.blob).is, 'known')
    }
  },
}

const optionNames = [
  ...['command', 'from', 'environment', 'expiry-time', 'principals', 'permitopen', 'permitlisten', 'tunnel', 'restrict', 'cert-authority'],
  ...['no-pty', 'pty', 'no-touch-required', 'verify-required', 'no-agent-forwarding', 'x11-forwarding', 'user-rc', 'port-forwarding'],
]
const optionSeed =
  'command="echo \\"hi\\"",from="10.0.0.0/8,!*.example.org",environment="A=b",expiry-time="20300131Z",permitopen="[::1]:22",permitlisten="*:8080",tunnel="1",no-pty,restrict'

const authorizedKeys: Target = {
  name: 'authorized-keys',
  about: 'authorized_keys: entries, and problems in words for all other lines',
  words: [...optionNames, keyType, keyBase64, '="', '",', '\\"', '\n'],
  seeds: () => [utf8Bytes(`${optionSeed} ${line}\n# comment\n${line}`)],
  run: (input, note) => {
    const file = parseAuthorizedKeys(textOf(input), 'authorized_keys')
    checkProblems(file.problems)
    assert.equal(file.entries.length + file.problems.length, meaningful(textOf(input)))
    for (const { problem } of file.problems) note(problem.slice(0, 12))
  },
}

const keyOptions: Target = {
  name: 'key-options',
  about: 'the options before a key: a value, or what is wrong with them in words',
  words: [...optionNames, '="', '",', '\\"', '20300101', '2030010112Z', '[::1]:22', '*:*'],
  seeds: () => [utf8Bytes(optionSeed), ...optionNames.flatMap(name => [utf8Bytes(name), utf8Bytes(`${name}="1:1"`)])],
  run: input => {
    const read = parseKeyOptions(textOf(input))
    if (typeof read === 'string') checkProblems([{ problem: read }])
    else assert.ok(read.expires === undefined || Number.isFinite(read.expires))
  },
}

const separators = [' ', '=', '"', "'", '\\', '#', ',', '\n', ' yes\n', ' no\n', ' none\n', ' 10m\n', ' 1G 1h\n', ' *:22\n', ' all\n']

const criteria = Object.keys(serverDialect.match.criteria)
/** Somebody whom blocks can be for. */
const visitor = {
  user: 'ada',
  groups: ['ada', 'staff'],
  host: 'h.example',
  address: '10.1.2.3',
  localAddress: '::1',
  localPort: 22,
  rdomain: '1',
}
const includeConfig = (): readonly ConfigSource[] => [{ path: 'more.conf', text: 'PermitTTY no\nMatch User ada\nMaxSessions 3\n' }]

const sshdConfig: Target = {
  name: 'sshd-config',
  about: 'sshd_config, also for one connection: refused, or values that are the same after they were written and read again',
  words: [
    ...Object.values(serverDialect.table).map(row => row.name),
    'Match',
    'Include more.conf\n',
    ...criteria.map(each => `\nMatch ${each} ada\n`),
    'Match all\n',
    '10.0.0.0/8,!10.1.0.0/16',
    '*@10.0.0.0/8',
    'session:*=5m',
    'host:1 [::1]:*',
    'crash:1.5s overflow:deny-all',
    ...separators,
  ],
  seeds: () => Object.values(serverKeywords).flatMap(row => ['yes', '10', 'a,b'].map(value => utf8Bytes(`${row.name} ${value}\n`))),
  run: (input, note) => {
    const everybody = unlessRefused(
      () => parseServerConfig([{ path: 'sshd_config', text: textOf(input) }], { include: includeConfig }),
      note,
    )
    const read = everybody && unlessRefused(() => everybody.forConnection(visitor), note)
    if (everybody === undefined || read === undefined) return
    const all = dumpServerConfig(everybody.config)
    assert.equal(dumpServerConfig(parseServerConfig([{ path: 'dump', text: all }]).config), all)
    for (const property of read.given) assert.match(read.decidedBy(property), / line \d+/)
    for (const warning of read.warnings) assert.ok(!unseen.test(warning), `a warning that garbles a terminal: ${JSON.stringify(warning)}`)
    for (const property of read.given) note(property)
    const dump = dumpServerConfig(read.config)
    assert.equal(dumpServerConfig(parseServerConfig([{ path: 'dump', text: dump }]).config), dump)
  },
}

const sshConfig: Target = {
  name: 'ssh-config',
  about: 'ssh_config: refused, or values that are the same after they were written and read again',
  words: [...Object.values(clientDialect.table).map(row => row.name), 'Host', 'Match', 'Include', ...separators],
  seeds: () => [
    utf8Bytes('Host *.org !a\n  User ada\nHost example.org\nPort=2222\n'),
    ...Object.values(clientKeywords).flatMap(row => ['yes', '10', 'a,b'].map(value => utf8Bytes(`${row.name} ${value}\n`))),
  ],
  run: (input, note) => {
    const read = unlessRefused(() => parseClientConfig([{ path: 'ssh_config', text: textOf(input) }], { host: 'example.org' }), note)
    if (read === undefined) return
    for (const warning of read.warnings) assert.ok(!unseen.test(warning), `a warning that garbles a terminal: ${JSON.stringify(warning)}`)
    const values: Readonly<Record<string, unknown>> = read.config
    for (const property of read.given) {
      note(property)
      const row = (clientDialect.table as KeywordTable)[property]
      const written = row.kind.show(values[property]).map(line => `${row.name} ${line}`)
      const again = unlessRefused(() => parseClientConfig([{ path: 'again', text: written.join('\n') }], { host: 'example.org' }), note)
      assert.deepEqual(
        (again?.config as typeof values | undefined)?.[property],
        values[property],
        `not read again: ${JSON.stringify(written)}`,
      )
    }
    note(dumpClientConfig(read.config, 'example.org').split('\n', 1)[0])
  },
}

const commandLine: Target = {
  name: 'command-line',
  about: 'arguments of ssh and sshd, one a line: refused, or read so that the same arguments are read the same again',
  words: [
    '--',
    '--help',
    '-',
    ...sshOptions.map(row => `-${row.letter}`),
    ...sshdOptions.map(row => `-${row.letter}`),
    '\n',
    'ssh://',
    '@',
    ':22',
  ],
  seeds: () => [utf8Bytes('x-p\n22\n-vv\n-oPort=1\nada@example.org\nls\n-l'), utf8Bytes('y-D\n-p22\n-e'), utf8Bytes('x--help')],
  run: (input, note) => {
    const argv = textOf(input.subarray(1)).split('\n')
    const ssh = (input[0] ?? 0) % 2 === 0
    const read = unlessRefused(() => getopt<string>(argv, ssh ? sshOptions : sshdOptions, { operandsBeforeEnd: ssh ? 1 : 0 }), note)
    if (ssh) unlessRefused(() => readSshCommand(argv), note)
    if (read === undefined || read.wants !== undefined) return
    const again = [
      ...read.given.flatMap(({ letter, value }) => (value === '' ? [`-${letter}`] : [`-${letter}`, value])),
      '--',
      ...read.operands,
    ]
    // An empty value cannot be told from a flag here.
    if (argv.includes('')) return
    assert.deepEqual(getopt<string>(again, ssh ? sshOptions : sshdOptions).given, read.given)
  },
}

const destination: Target = {
  name: 'destination',
  about: 'what people write for a host: refused, or a host, a port from 1 to 65535 and a user that is not empty',
  words: ['ssh://', '@', ':', '[::1]', '%41', '%', ';fingerprint=', '/', '22', '-o'],
  seeds: () => ['example.org', 'ada@example.org:22', 'ssh://ada%40b;x=y@[::1]:2222/', '::1'].map(utf8Bytes),
  run: (input, note) => {
    const read = unlessRefused(() => parseDestination(textOf(input)), note)
    if (read === undefined) return
    assert.ok(read.host !== '' && !read.host.startsWith('-'))
    assert.ok(read.user !== '')
    assert.ok(read.port === undefined || (Number.isInteger(read.port) && read.port >= 1 && read.port <= 65535))
  },
}

/** Splits as a POSIX shell does, for what `quote` may write: plain words, single quotes, and quotes behind a backslash. */
const shellWords = (text: string): readonly string[] => {
  const words: string[] = []
  let current: string | undefined
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "'") {
      const end = text.indexOf("'", at + 1)
      assert.ok(end > 0, 'a quote without its partner')
      current = (current ?? '') + text.slice(at + 1, end)
      at = end
    } else if (text[at] === '\\') current = (current ?? '') + text[++at]
    else if (text[at] === ' ') {
      if (current !== undefined) words.push(current)
      current = undefined
    } else {
      assert.match(text[at], /[A-Za-z0-9_@%+=:,./-]/)
      current = (current ?? '') + text[at]
    }
  }
  return current === undefined ? words : [...words, current]
}

const shellQuote: Target = {
  name: 'quote',
  about: 'arguments quoted for a shell are the same arguments again',
  words: ["'", '"', '\\', '$(', '`', '\n', '*', '~', ' '],
  seeds: () => [utf8Bytes("ls\0-l\0it's\0")],
  run: input => {
    const words = textOf(input).split('\0')
    assert.deepEqual(shellWords(quote(words)), words)
  },
}

/** By the definition, in quadratic time. */
const matchesByDefinition = (pattern: string, text: string): boolean => {
  let row = [true, ...Array.from({ length: text.length }, () => false)]
  for (const one of pattern.split('')) {
    const next = [one === '*' && row[0]]
    for (let at = 1; at <= text.length; at++)
      next.push(one === '*' ? row[at] || next[at - 1] : row[at - 1] && (one === '?' || one === text[at - 1]))
    row = next
  }
  return row[text.length]
}

const patterns: Target = {
  name: 'patterns',
  about: 'wildcards match what they match by definition',
  words: ['*', '?', '!', 'a', '**', '*a*'],
  maximumLength: 200,
  seeds: () => ['a*b?\0aXbY', '*\0', '?\0a', '*a*b*c\0abcabc'].map(utf8Bytes),
  run: (input, note) => {
    const [pattern, text = ''] = textOf(input).split('\0')
    const matches = matchesWildcard(pattern, text)
    note(String(matches))
    assert.equal(matches, matchesByDefinition(pattern, text))
    assert.equal(matchesPatternList([`!${pattern}`, '*'], text), !matches)
  },
}

const base64: Target = {
  name: 'base64',
  about: 'strict base64: what is read is what Node reads, and is written the same',
  words: ['=', '==', 'AAAA', '+/', '\n'],
  seeds: () => ['', 'AA==', 'AAA=', 'AAAA', keyBase64].map(utf8Bytes),
  run: input => {
    assert.equal(encodeBase64(input), Buffer.from(input).toString('base64'))
    const text = textOf(input)
    const read = decodeBase64(text)
    if (read === undefined) return
    assert.ok(sameBlob(read, Buffer.from(text, 'base64')))
    assert.equal(encodeBase64(read), text)
  },
}

const addresses: Target = {
  name: 'addresses',
  about: 'IP addresses and ranges: what is read is an address, in its own range and no other length',
  words: ['::', '::ffff:', '/', '0', '.255', 'ffff', '%eth0', '/128', '/0'],
  seeds: () => ['10.0.0.1', '::1', 'fe80::1%eth0', '::ffff:10.0.0.1', '10.0.0.0/8', '2001:db8::/32', '1:2:3:4:5:6:7:8'].map(utf8Bytes),
  run: (input, note) => {
    const text = textOf(input)
    const address = parseAddress(text)
    note(String(address?.length))
    if (address !== undefined && !text.includes('/') && !text.includes('%')) assert.ok(addressRanges([text])(text))
    try {
      addressRanges([text])('10.0.0.1')
    } catch (error) {
      if (!(error instanceof TypeError) || error instanceof SshError || !error.message.includes('"')) throw error
    }
  },
}

const usage: Target = {
  name: 'usage',
  about: 'what is wrong with a command line is said without what would garble a terminal',
  words: ['-', '--', '\x1b[2J', '\u202e', '\u200b'],
  seeds: () => [utf8Bytes('-\u202e'), utf8Bytes('-p')],
  run: input => {
    const { rest } = choose(input, [0])
    try {
      getopt<string>(textOf(rest).split('\n'), sshOptions)
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      assert.ok(!unseen.test(error.message), JSON.stringify(error.message))
    }
  },
}

export const fileTargets: readonly Target[] = [
  publicKeyLine,
  knownHosts,
  knownHostsLine,
  authorizedKeys,
  keyOptions,
  sshdConfig,
  sshConfig,
  commandLine,
  destination,
  shellQuote,
  patterns,
  base64,
  addresses,
  usage,
]
