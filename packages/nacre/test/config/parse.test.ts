// Configuration files as OpenSSH writes them: syntax, precedence, blocks, and what is refused in which words.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ConfigSource } from '../../src/config/document.ts'
import { parseClientConfig } from '../../src/config/parse.ts'
import { parseServerConfig } from '../../src/config/server-config.ts'
import { ConfigError } from '../../src/errors.ts'

const file = (text: string, path = '/etc/ssh/config'): ConfigSource => ({ path, text })
const option = (text: string): ConfigSource => ({ path: 'command line', text, isOption: true })
const server = (text: string) => parseServerConfig([file(text)])
const client = (text: string, host = 'example') => parseClientConfig([file(text)], { host })

const refuses = (act: () => unknown, message: RegExp, where: { path?: string; line?: number } = {}): void => {
  assert.throws(act, (error: unknown) => {
    assert.ok(error instanceof ConfigError, String(error))
    assert.equal(error.code, 'CONFIG')
    assert.match(error.message, message)
    if (where.path !== undefined) assert.equal(error.path, where.path)
    if ('line' in where) assert.equal(error.line, where.line)
    return true
  })
}

describe('syntax', () => {
  test('a keyword is followed by blanks or an equals sign, in any case', () => {
    for (const text of [
      'MaxAuthTries 3',
      'maxauthtries=3',
      'MAXAUTHTRIES = 3',
      '\t MaxAuthTries\t3  ',
      'MaxAuthTries 3\r',
      'MaxAuthTries "3"',
    ])
      assert.equal(server(text).config.maxAuthTries, 3, text)
  })

  test('empty lines, comments and trailing comments say nothing', () => {
    const { config, given } = server('\ufeff# first\n\n   # indented\nMaxAuthTries 2 # tries\n')
    assert.equal(config.maxAuthTries, 2)
    assert.deepEqual([...given], ['maxAuthTries'])
  })

  test('quotes and backslashes join words', () => {
    const { config } = server(`AuthorizedKeysFile "/a b/%u" '/c"d' /e\\ f /g#h\n`)
    assert.deepEqual(config.authorizedKeysFile, ['/a b/%u', '/c"d', '/e f', '/g#h'])
  })

  test('commands keep their quotes, hashes and equals signs', () => {
    const { config } = client(`RemoteCommand = sh -c 'echo "#1" it''s a=b' # no comment\n`)
    assert.equal(config.remoteCommand, `sh -c 'echo "#1" it''s a=b' # no comment`)
  })

  test('a quote without its partner is refused with the line', () => {
    refuses(() => server('\nBanner "/etc/issue\n'), /Banner has a " without its partner/, { path: '/etc/ssh/config', line: 2 })
  })

  test('an equals sign in front is passed over, as OpenSSH does', () => {
    refuses(() => server('= yes'), /yes is not a keyword/, { line: 1 })
    assert.equal(server('= MaxAuthTries 2').config.maxAuthTries, 2)
  })
})

describe('precedence', () => {
  test('the first value wins, also over later sources', () => {
    const { config } = parseServerConfig([option('Port=2022'), file('MaxAuthTries 1\nMaxAuthTries 9\n'), file('MaxAuthTries 5')])
    assert.equal(config.maxAuthTries, 1)
    assert.deepEqual(config.port, [2022])
  })

  test('keywords that may be repeated add up, and only then lose their default', () => {
    assert.deepEqual(server('').config.port, [22])
    assert.deepEqual(server('Port 1\nPort 2').config.port, [1, 2])
    assert.deepEqual(server('AllowUsers a b@10.*\nAllowUsers c').config.allowUsers, ['a', 'b@10.*', 'c'])
    assert.deepEqual(server('Subsystem sftp /usr/lib/sftp-server -l INFO\nSubsystem "x" y').config.subsystem, [
      { name: 'sftp', command: '/usr/lib/sftp-server -l INFO' },
      { name: 'x', command: 'y' },
    ])
  })

  test('a later value is still checked', () => {
    refuses(() => server('UseDNS no\nUseDNS maybe'), /UseDNS must be yes or no, not "maybe"/, { line: 2 })
  })
})

describe('values', () => {
  test('times', () => {
    for (const [text, expected] of [
      ['90', 90],
      ['5m', 300],
      ['1h30m', 5400],
      ['2D', 172800],
      ['1w1s', 604801],
    ] as const)
      assert.equal(server(`LoginGraceTime ${text}`).config.loginGraceTime, expected, text)
    for (const text of ['-1', '5x', 'm', '1.5m', '99999999999'])
      refuses(() => server(`LoginGraceTime ${text}`), /LoginGraceTime must be a time/)
    assert.equal(client('ConnectTimeout none').config.connectTimeout, 'none')
  })

  test('a rekey limit is an amount and a time', () => {
    assert.deepEqual(server('RekeyLimit 1G 1h').config.rekeyLimit, { bytes: 2 ** 30, seconds: 3600 })
    assert.deepEqual(server('RekeyLimit default none').config.rekeyLimit, { bytes: 0, seconds: undefined })
    assert.deepEqual(server('RekeyLimit 16K').config.rekeyLimit, { bytes: 16384, seconds: undefined })
    for (const text of ['8', '1Y', '1G 1h 3', '1G later']) refuses(() => server(`RekeyLimit ${text}`), /RekeyLimit/)
  })

  test('numbers keep their bounds', () => {
    refuses(() => server('Port 0'), /Port must be a number from 1 to 65535, not "0"/)
    refuses(() => server('Port 65536'), /Port must be/)
    refuses(() => server('Port 22 23'), /Port takes one value/)
    refuses(() => server('Port'), /Port needs a value/)
    refuses(() => server('RequiredRSASize -1'), /RequiredRSASize must be/)
  })

  test('addresses to listen on', () => {
    const { config } = server('ListenAddress 0.0.0.0\nListenAddress [::1]:2222\nListenAddress ::\nListenAddress host.example:80\n')
    assert.deepEqual(config.listenAddress, [
      { host: '0.0.0.0', port: undefined },
      { host: '::1', port: 2222 },
      { host: '::', port: undefined },
      { host: 'host.example', port: 80 },
    ])
    refuses(() => server('ListenAddress host:99999'), /ListenAddress must be/)
  })

  test('old words for values are understood', () => {
    assert.equal(server('PermitRootLogin without-password').config.permitRootLogin, 'prohibit-password')
    assert.equal(client('StrictHostKeyChecking off').config.strictHostKeyChecking, 'no')
  })

  test('words that objects inherit are not values or keywords', () => {
    refuses(() => server('PermitRootLogin constructor'), /PermitRootLogin must be one of/)
    refuses(() => server('toString yes'), /toString is not a keyword/)
    refuses(() => server('UseDNS __proto__'), /UseDNS must be/)
  })

  test('chains of methods', () => {
    assert.deepEqual(server('AuthenticationMethods publickey,password publickey,keyboard-interactive:pam').config.authenticationMethods, [
      ['publickey', 'password'],
      ['publickey', 'keyboard-interactive:pam'],
    ])
    assert.deepEqual(server('AuthenticationMethods any').config.authenticationMethods, [])
    refuses(() => server('AuthenticationMethods publickey,pasword'), /names the method "pasword"/)
  })

  test('algorithm lists keep their pattern for the tables to decide', () => {
    for (const text of ['aes128-ctr', '+aes128-cbc,3des-cbc', '-*cbc', '^aes256-gcm@openssh.com'])
      assert.equal(server(`Ciphers ${text}`).config.ciphers, text)
    for (const text of ['+', 'a,,b', 'a, b']) refuses(() => server(`Ciphers ${text}`), /Ciphers/)
  })

  test('the escape character is a character, a control character or none', () => {
    assert.equal(client('EscapeChar ^]').config.escapeChar, '\x1d')
    assert.equal(client('EscapeChar none').config.escapeChar, 'none')
    assert.equal(client('').config.escapeChar, '~')
    refuses(() => client('EscapeChar ab'), /EscapeChar must be/)
  })

  test('the parts of MaxStartups', () => {
    assert.deepEqual(server('MaxStartups 5:20:50').config.maxStartups, { begin: 5, rate: 20, full: 50 })
    assert.deepEqual(server('MaxStartups 5').config.maxStartups, { begin: 5, rate: 30, full: 5 })
    refuses(() => server('MaxStartups 5:0:50'), /MaxStartups/)
  })

  test('limits for each source: a number or none, and the bits that make one', () => {
    assert.equal(server('').config.perSourceMaxStartups, 'none')
    assert.equal(server('PerSourceMaxStartups 3').config.perSourceMaxStartups, 3)
    refuses(() => server('PerSourceMaxStartups 0'), /PerSourceMaxStartups must be a number from 1 to \d+, or none/)
    assert.deepEqual(server('').config.perSourceNetBlockSize, { v4: 32, v6: 128 })
    assert.deepEqual(server('PerSourceNetBlockSize 24').config.perSourceNetBlockSize, { v4: 24, v6: 128 })
    assert.deepEqual(server('PerSourceNetBlockSize 24:64').config.perSourceNetBlockSize, { v4: 24, v6: 64 })
    refuses(() => server('PerSourceNetBlockSize 33'), /PerSourceNetBlockSize must be/)
    refuses(() => server('PerSourceNetBlockSize 32:129'), /PerSourceNetBlockSize must be/)
  })

  test('penalties: the usual, none, or what differs', () => {
    const penalties = (text: string) => server(text).config.perSourcePenalties
    const usual = penalties('')
    assert.ok(usual !== 'no')
    assert.deepEqual(penalties('PerSourcePenalties yes'), usual)
    assert.equal(penalties('PerSourcePenalties no'), 'no')
    assert.deepEqual(penalties('PerSourcePenalties authfail:1m max:1h overflow:deny-all'), {
      ...usual,
      authfail: 60,
      max: 3600,
      overflow: 'deny-all',
      overflow6: 'deny-all',
    })
    // Of each figure the first counts, also over several lines, and whoever names one wants penalties.
    assert.deepEqual(penalties('PerSourcePenalties no\nPerSourcePenalties noauth:1.5s\nPerSourcePenalties noauth:9 crash:2'), {
      ...usual,
      noauth: 1.5,
      crash: 2,
    })
    for (const wrong of [
      'authfail',
      'authfail:never',
      'nonsense:5',
      'overflow:perhaps',
      'max-sources4:0',
      'no authfail:5',
      'authfail:1.5m',
    ])
      refuses(() => server(`PerSourcePenalties ${wrong}`), /PerSourcePenalties has/)
    assert.deepEqual(server('PerSourcePenaltyExemptList 10.0.0.0/8,::1').config.perSourcePenaltyExemptList, '10.0.0.0/8,::1')
  })
})

describe('keywords nobody acts on', () => {
  test('an unknown keyword is refused with file, line and the nearest name', () => {
    refuses(() => server('Port 22\nPasswordAuthentification no\n'), /\/etc\/ssh\/config line 2: .*Did you mean PasswordAuthentication\?/, {
      path: '/etc/ssh/config',
      line: 2,
    })
    refuses(() => client('Zzzzzzzzzz yes'), /is not a keyword nacre knows\.$/)
  })

  test('an option of the command line has no line number', () => {
    refuses(() => parseServerConfig([option('Prot 22')]), /^command line: Prot is not a keyword nacre knows\. Did you mean Port\?$/)
  })

  test('control characters in a file reach nobody’s terminal', () => {
    refuses(() => server('Ban\x1b[31mner x'), /Ban\\x1b\[31mner/)
    refuses(() => server('UseDNS \x1b[31m'), /\\x1b/)
  })

  test('a missing feature is a warning, a missing restriction an error', () => {
    const { warnings } = server('LogVerbose *\nUsePAM no\n')
    assert.deepEqual(warnings, ['/etc/ssh/config line 1: LogVerbose has no effect: its patterns name lines of OpenSSH’s own source.'])
    // Whoever is to be kept in a folder must not be let out of it.
    refuses(() => server('ChrootDirectory %h'), /ChrootDirectory is not supported by this version/)
    refuses(() => client('ProxyUseFdpass yes'), /ProxyUseFdpass is not supported by this version/)
    assert.deepEqual(client('ProxyJump none\nForwardAgent no\n').warnings, [])
  })

  test('what can never be there is said with the reason, also in blocks', () => {
    assert.deepEqual(server('GSSAPIAuthentication yes\nPrintLastLog yes\nMatch User ada\nLogVerbose *\n').warnings, [
      '/etc/ssh/config line 1: GSSAPIAuthentication is not in effect: there is no mechanism of GSS-API here.',
      '/etc/ssh/config line 2: PrintLastLog has no effect: nacre keeps no record of logins, so there is no last one to show.',
      '/etc/ssh/config line 4: LogVerbose has no effect: its patterns name lines of OpenSSH’s own source.',
    ])
  })

  test('on the command line a missing feature is an error', () => {
    refuses(() => parseClientConfig([option('PKCS11Provider=/lib/token.so')], { host: 'h' }), /PKCS11Provider is not supported/)
  })

  test('old names work with a warning, meaningless ones only warn', () => {
    const { config, warnings } = server('ChallengeResponseAuthentication no\nUseLogin no\nProtocol 2\n')
    assert.equal(config.kbdInteractiveAuthentication, false)
    assert.match(warnings[0], /old name; write KbdInteractiveAuthentication/)
    assert.match(warnings[1], /UseLogin has had no meaning/)
    // As OpenSSH says nothing of it.
    assert.equal(warnings.length, 2)
  })

  test('IgnoreUnknown names keywords of other programs', () => {
    assert.doesNotThrow(() => client('IgnoreUnknown Foo*,Bar\nFooBaz 1\nBar 2\n'))
    refuses(() => client('IgnoreUnknown Foo*\nQux 1\n'), /Qux/)
  })
})

describe('blocks', () => {
  const text = ['User everyone', 'Host *.example !bad.example', 'Port 2200', 'Host one two', 'Port 3', 'Foo 1', 'Host *', 'Port 4'].join(
    '\n',
  )

  test('Host chooses by patterns, a negated one excludes, and the first value wins', () => {
    const known = text.replace('Foo 1\n', '')
    for (const [host, port] of [
      ['a.example', 2200],
      ['bad.example', 4],
      ['two', 3],
      ['other', 4],
    ] as const) {
      const { config } = client(known, host)
      assert.equal(config.port, port, host)
      assert.equal(config.user, 'everyone')
    }
  })

  test('an unknown keyword is refused in a block for another host too', () => {
    refuses(() => client(text, 'a.example'), /line 6: Foo/)
  })

  test('what this version lacks does not matter in a block for another host', () => {
    assert.deepEqual(client('Host far\nProxyJump bastion\nHost *\nPort 5\n', 'near').config.port, 5)
  })

  test('Match is refused by name, except the one that always holds', () => {
    refuses(
      () => server('Match exec true\n'),
      /Match has the criterion “exec”, which there is not; there is all, invalid-user, user, group/,
      { line: 1 },
    )
    assert.equal(client('Host x\nMatch all\nPort 9', 'y').config.port, 9)
  })
})

describe('Include', () => {
  const files: Readonly<Record<string, string>> = {
    'a.conf': 'Port 1\nHost far\nUser someone\n',
    'b.conf': 'MaxAuthTries 2',
    'loop.conf': 'Include loop.conf',
  }
  const include = (pattern: string): readonly ConfigSource[] => (files[pattern] === undefined ? [] : [file(files[pattern], pattern)])

  test('reads other texts in place', () => {
    assert.equal(parseServerConfig([file('Include b.conf none.conf\nMaxAuthTries 7')], { include }).config.maxAuthTries, 2)
  })

  test('inside a block it holds for that block only, and its own blocks end with it', () => {
    const near = parseClientConfig([file('Host near\nInclude a.conf\nUser me\n')], { host: 'near', include })
    assert.deepEqual([near.config.port, near.config.user], [1, 'me'])
    const far = parseClientConfig([file('Host near\nInclude a.conf\n')], { host: 'far', include })
    assert.deepEqual([far.config.port, far.config.user], [22, undefined])
  })

  test('is refused when it goes round in circles or nobody can read files', () => {
    refuses(() => parseServerConfig([file('Include loop.conf')], { include }), /Include is nested more than 16 deep/, { path: 'loop.conf' })
    refuses(() => server('Include x'), /Include is not supported here/)
  })
})
