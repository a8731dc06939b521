// ssh_config for one host as a program gets it: tokens, the two passes, canonical names, who may say what. What OpenSSH
// prints for hundreds of configurations is compared elsewhere; here is what a print does not show.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ClientSettings, readClientConfig } from '../../src/config/client-config.ts'
import type { ClientMachine } from '../../src/config/client-machine.ts'
import type { ConfigSource } from '../../src/config/document.ts'
import { expandTilde, expandTokens } from '../../src/config/tokens.ts'
import { ConfigError } from '../../src/errors.ts'

const machine = (more: Partial<ClientMachine> = {}): ClientMachine => ({
  user: 'ada',
  uid: '1000',
  home: '/home/ada',
  hostname: 'desk.example.com',
  environment: { RUN: '/run/user' },
  homeOf: user => (user === 'bob' ? '/home/bob' : undefined),
  sha1: text => `sha1(${text})`,
  addresses: () => ['192.0.2.7', '::1'],
  include: () => [],
  run: () => assert.fail('no command was to be run'),
  resolve: async name => assert.fail(`${name} was not to be looked up`),
  ...more,
})

const read = async (
  text: string,
  {
    host = 'alias',
    more = {},
    options = [],
    command = '',
  }: { host?: string; more?: Partial<ClientMachine>; options?: ConfigSource[]; command?: string } = {},
): Promise<ClientSettings> =>
  await readClientConfig({ options, files: [{ path: 'config', text, isUsers: true }] }, { host, command }, machine(more))

const refuses = async (text: string, message: RegExp, line?: number): Promise<void> => {
  await assert.rejects(read(text), (error: unknown) => {
    assert.ok(error instanceof ConfigError)
    assert.match(error.message, message)
    assert.equal(error.line, line)
    return true
  })
}

describe('tokens', () => {
  const all = 'Host alias\nHostName real.%h\nPort 2222\nUser root\nHostKeyAlias Key\nProxyJump u@jump:1,last\n'

  test('stand for the connection in paths and commands', async () => {
    const { expand } = await read(all)
    assert.equal(
      expand('%% %d %h %i %j %k %L %l %n %p %r %u', 'command'),
      '% /home/ada real.alias 1000 last key desk desk.example.com alias 2222 root ada',
    )
    assert.equal(expand('%C', 'command'), 'sha1(desk.example.comreal.alias2222rootlast)')
  })

  test('are more for some: LocalCommand has %T, KnownHostsCommand five others', async () => {
    const { expand } = await read('')
    assert.equal(expand('%T %H %u', 'command', { T: 'NONE', H: 'host' }), 'NONE host ada')
    assert.throws(() => expand('%T', 'command'), /has %T, which stands for nothing here/)
  })

  test('of a path are not those of a command: ~ and variables', async () => {
    const { expand } = await read('')
    assert.equal(expand('~/${RUN}/%n', 'path'), '/home/ada//run/user/alias')
    assert.equal(expand('~/${RUN}/%n', 'command'), '~/${RUN}/alias')
    assert.equal(expand('~/${RUN}', 'text'), '~//run/user')
    assert.equal(expand('~bob/x', 'path'), '/home/bob/x')
    assert.throws(() => expand('~eve/x', 'path'), /the home of eve, and there is no such user/)
  })

  test('put nothing in that is looked at again', () => {
    assert.equal(expandTokens('%n', { n: '%h', h: 'x' }), '%h')
    assert.equal(expandTokens('%n%%n', { n: '%h', h: 'x' }), '%h%n')
    assert.equal(expandTokens('${A}', {}, { A: '${B}%x' }), '${B}%x')
    assert.equal(
      expandTilde('a~b', '/h', () => undefined),
      'a~b',
    )
  })

  test('that are unknown, and variables that are not set, are told with file and line', async () => {
    await refuses('\nControlPath /%q\n', /^config line 2: ControlPath has %q, which stands for nothing here; there is %%, /, 2)
    await refuses('IdentityAgent ${NOPE}\n', /IdentityAgent needs the variable NOPE, which is not set/, 1)
    await refuses('HostName %n\n', /HostName has %n/, 1)
    await refuses('RemoteCommand a%\n', /RemoteCommand ends with a %/, 1)
  })
})

describe('who logs in', () => {
  test('is the person here, or whom the files name, by tokens of what is known', async () => {
    assert.equal((await read('')).config.user, 'ada')
    assert.equal((await read('User %u-%n\n')).config.user, 'ada-alias')
    await refuses('User %r\n', /User has %r/, 1)
  })

  test('is no name that a shell would take for more', async () => {
    const named = (user: string): Promise<ClientSettings> =>
      read('', { options: [{ path: 'command line', text: `User "${user}"`, isOption: true }] })
    assert.equal((await named('a%u')).config.user, 'a%u', 'the command line says a name, not a pattern')
    for (const user of ['a;b', '-oX', 'a`b', 'a -b', 'a|b']) await assert.rejects(named(user), /characters that no user name may have/)
    await assert.rejects(read('', { host: '$(x)' }), /characters that no host name may have/)
  })
})

describe('the host', () => {
  test('is HostName with %h, in lower case; an address is one in its usual form', async () => {
    assert.equal((await read('HostName %h.Example.ORG\n', { host: 'A' })).config.hostName, 'a.example.org')
    assert.equal((await read('', { host: '::0001' })).config.hostName, '::1')
    assert.equal((await read('', { host: '127.1' })).config.hostName, '127.0.0.1')
    assert.equal((await read('', { host: 'fe80::1%eth0' })).config.hostName, 'fe80::1%eth0')
  })

  const names = (...known: readonly (readonly [string, string?])[]): Partial<ClientMachine> => ({
    resolve: async name => {
      const found = known.find(each => each[0] === name)
      return found === undefined ? undefined : found[1] === undefined ? {} : { canonicalName: found[1] }
    },
  })
  const rules = 'CanonicalizeHostname yes\nCanonicalDomains one.test two.test\n'
  const canonical = async (text: string, host: string, more: Partial<ClientMachine>): Promise<string> =>
    (await read(`${rules}${text}`, { host, more })).config.hostName

  test('gets the first domain it is found in', async () => {
    assert.equal(await canonical('', 'www', names(['www.two.test.'])), 'www.two.test')
    assert.equal(await canonical('', 'www', names(['www.one.test.'], ['www.two.test.'])), 'www.one.test')
    assert.equal(await canonical('', 'www', names()), 'www')
    await assert.rejects(canonical('CanonicalizeFallbackLocal no\n', 'www', names()), /in none of the domains of CanonicalDomains/)
  })

  test('keeps its own domain when it has enough dots, or ends with one', async () => {
    assert.equal(await canonical('', 'a.b.c', machine()), 'a.b.c')
    assert.equal(await canonical('CanonicalizeMaxDots 2\n', 'a.b.c', names(['a.b.c.one.test.'])), 'a.b.c.one.test')
    assert.equal(await canonical('', 'www.', names(['www.'])), 'www')
  })

  test('follows aliases where the rules permit it', async () => {
    const known = names(['www.one.test.', 'real.two.test'])
    assert.equal(await canonical('', 'www', known), 'www.one.test')
    assert.equal(await canonical('CanonicalizePermittedCNAMEs *.one.test:*.two.test\n', 'www', known), 'real.two.test')
    assert.equal(await canonical('CanonicalizePermittedCNAMEs *.one.test:*.three.test\n', 'www', known), 'www.one.test')
    assert.equal(await canonical('CanonicalizePermittedCNAMEs none\n', 'www', known), 'www.one.test')
  })

  test('is left to the proxy when there is one, but for “always”', async () => {
    assert.equal(await canonical('ProxyCommand x\n', 'www', machine()), 'www')
    assert.equal(await canonical('ProxyJump x\n', 'www', machine()), 'www')
    const always = 'CanonicalizeHostname always\nCanonicalDomains one.test\nProxyJump x\n'
    assert.equal((await read(always, { host: 'www', more: names(['www.one.test.']) })).config.hostName, 'www.one.test')
  })

  test('is what blocks of the second pass are compared with', async () => {
    const { config } = await read(`${rules}Host www\nPort 1\nHost www.one.test\nPort 2\nUser found\nMatch canonical\nTag second\n`, {
      host: 'www',
      more: names(['www.one.test.']),
    })
    assert.deepEqual([config.port, config.user, config.tag], [1, 'found', 'second'])
  })
})

describe('Match', () => {
  test('exec runs what its tokens say, and only when all before it holds', async () => {
    const ran: string[] = []
    const more = { run: async (command: string) => ran.push(command) > 0 }
    const { config } = await read('User bob\nMatch host nowhere exec a\nPort 1\nMatch host alias exec "b %h %r"\nPort 2\n', { more })
    assert.deepEqual([ran, config.port], [['b alias bob'], 2])
  })

  test('localnetwork is any address of this machine', async () => {
    assert.equal((await read('Match localnetwork 192.0.2.0/24\nPort 1\n')).config.port, 1)
    assert.equal((await read('Match localnetwork 198.51.100.0/24\nPort 1\n')).config.port, 22)
    await refuses('Match localnetwork x\n', /localnetwork that is none/, 1)
  })

  test('command and sessiontype are about what will be run', async () => {
    const text = 'Match sessiontype exec command "git-*"\nPort 1\n'
    assert.equal((await read(text, { command: 'git-upload-pack x' })).config.port, 1)
    assert.equal((await read(text)).config.port, 22)
  })
})

describe('Include', () => {
  const asked = async (text: string, isUsers: boolean): Promise<readonly string[]> => {
    const paths: string[] = []
    const more = machine({ include: path => (paths.push(path), []) })
    await readClientConfig({ options: [], files: [{ path: 'f', text, isUsers }] }, { host: 'alias' }, more)
    return paths
  }

  test('belongs to the folder of whose file it stands in', async () => {
    assert.deepEqual(await asked('Include a ~/b /c ~bob/d\n', true), ['/home/ada/.ssh/a', '/home/ada/b', '/c', '/home/bob/d'])
    assert.deepEqual(await asked('Include a /c\n', false), ['/etc/ssh/a', '/c'])
    await assert.rejects(asked('Include ~/b\n', false), /the system's files belong to no home/)
  })

  test('takes tokens of what was said so far, and variables; one that is not set is said to be passed over', async () => {
    assert.deepEqual(await asked('User bob\nInclude %n-%r ${RUN}/x\n', true), ['/home/ada/.ssh/alias-bob', '/run/user/x'])
    const { warnings } = await read('Include ${NOPE}/x\n')
    assert.deepEqual(warnings, ['config line 1: Include needs the variable NOPE, which is not set; nothing is included.'])
  })
})

describe('what a program is told', () => {
  test('is which file and line decided', async () => {
    const { decidedBy, given } = await read('# first\nHost alias\n  Port 7\n')
    const [by] = decidedBy.get('port') ?? []
    assert.deepEqual([by.path, by.line, by.block?.raw, given.has('port'), given.has('user')], ['config', 3, 'alias', true, false])
  })

  test('is what has no effect: a warning, or an error for whoever connects', async () => {
    const { warnings, refused } = await read('PKCS11Provider /lib/token.so\nProxyUseFdpass yes\n')
    assert.deepEqual(warnings, ['config line 1: PKCS11Provider is not supported by this version and has no effect.'])
    assert.match(refused?.message ?? '', /^config line 2: ProxyUseFdpass is not supported by this version\.$/)
    const { warnings: none } = await read('LocalForward 1 a:2\nClearAllForwardings yes\n')
    assert.deepEqual(none, [])
  })

  test('is RefuseConnection, in its words, with file and line', async () => {
    await refuses('RefuseConnection "not from here"\n', /^config line 1: RefuseConnection: not from here$/, 1)
    assert.equal((await read('Host far\nRefuseConnection no\n')).config.port, 22)
  })
})
