// Owns the targets for the files that `sshd` reads of a login, beside its configuration and keys: principals, .shosts and what
// getent prints of netgroups, rows of passwd and shadow, ~/.ssh/environment, and what AuthenticationCommand says. Only the last is
// refused, in words without a secret; what lets somebody in stands there.
import assert from 'node:assert/strict'
import { parsePasswdLine, parseShadowLine } from '../../packages/cli/src/sshd/account.ts'
import { readLine } from '../../packages/cli/src/sshd/account-program.ts'
import { principalLine } from '../../packages/cli/src/sshd/certificates.ts'
import { readEnvironmentFile } from '../../packages/cli/src/sshd/environment.ts'
import { netgroupHas, parseRhosts, rhostsLine } from '../../packages/cli/src/sshd/rhosts.ts'
import { parseCertificate } from '../../packages/nacre/src/keys/certificate.ts'
import { parsePublicKeyLine } from '../../packages/nacre/src/keys/public.ts'
import { type Target, textOf, unseen, utf8Bytes } from '../rig/target.ts'
import { listVectors } from '../rig/vectors.ts'

const certificate = listVectors()
  .lists[0].asked.map(each => parsePublicKeyLine(each.line))
  .filter(each => each.type.includes('-cert-'))
  .map(each => parseCertificate(each.blob))
  .find(each => each.principals.length > 0)
assert.ok(certificate !== undefined)
const shown = {
  account: { name: 'ada', uid: 1000, gid: 1000, home: '/home/ada', shell: '/bin/sh' },
  certificate,
  address: '192.0.2.1',
}
const [principal] = certificate.principals

const sentence = (text: string): void => assert.ok(!unseen.test(text), `a text that garbles a terminal: ${JSON.stringify(text)}`)

const principalsFile: Target = {
  name: 'principals-file',
  about: 'AuthorizedPrincipalsFile: who is let in stands there as a whole word, at the end of a line and outside of a comment',
  words: [
    principal,
    ` ${principal}\n`,
    '#',
    '\t',
    '\n',
    'command="a b"',
    'from="192.0.2.0/24"',
    'expiry-time="20200101"',
    'cert-authority',
    '","',
  ],
  seeds: () => [utf8Bytes(`# who\nother\ncommand="echo hi",from="192.0.2.*" ${principal} # me\n`), utf8Bytes(`${principal}\n`)],
  run: (input, note) => {
    const text = textOf(input)
    const said: string[] = []
    const found = principalLine({ ...shown, say: sentence => said.push(sentence) }, 'principals', text)
    for (const each of said) sentence(each)
    if (said.length > 0) note('said')
    if (found === undefined) return
    note('found')
    const line = text.split('\n')[found.line - 1].split('#', 1)[0].trim()
    assert.ok(line === principal || /[ \t]/.test(line.slice(0, -principal.length).slice(-1)), line)
    assert.ok(
      certificate.principals.some(each => line.endsWith(each)),
      line,
    )
    assert.ok(found.options.expires === undefined || found.options.expires > Date.UTC(2026, 0, 1))
  },
}

const visitor = { host: 'host.example', address: '192.0.2.1', user: 'ada' }

const shosts: Target = {
  name: 'shosts',
  about: '.shosts and shosts.equiv: who is let in is named by a line without a minus, and never by a plus alone',
  words: ['host.example', '192.0.2.1', 'ada', '+', '-', '@group', '#', ' ', '\t', '\n', 'NO_PLUS', '+@group +@group'],
  seeds: () => [utf8Bytes('# hosts\nhost.example ada\n-other.example\n+@group -@group\n'), utf8Bytes('192.0.2.1\n')],
  run: async (input, note) => {
    const text = textOf(input)
    const lines = parseRhosts(text, (line, problem) => {
      assert.ok(line >= 1 && line <= text.split('\n').length)
      sentence(problem)
    })
    for (const { line, host, user } of lines) {
      assert.ok(host.name !== '' || host.group, text)
      assert.notEqual(user?.name === '' && !user.group, true)
      assert.ok(line >= 1)
    }
    const found = await rhostsLine(lines, visitor, 'ada', () => false)
    if (found === undefined) return
    note(found.negated ? 'negated' : 'found')
    assert.ok(!found.host.group && found.user?.group !== true, 'a netgroup that nobody is in')
    assert.ok([visitor.host, visitor.address].includes(found.host.name.toLowerCase()))
  },
}

const netgroups: Target = {
  name: 'netgroups',
  about: 'what getent prints of a netgroup: a host or a user is in it only by its name, or by a place that is empty',
  words: ['(', ')', ',', ' ', '(host.example,ada,)', '(,,)', '(-,-,)', '\n'],
  seeds: () => [utf8Bytes('group (host.example,ada,) (other,,example)'), utf8Bytes('')],
  run: (input, note) => {
    const text = textOf(input)
    if (!netgroupHas(text, { host: visitor.host })) return
    note('host')
    assert.ok(text.toLowerCase().includes(visitor.host) || /\(\s*,/.test(text), text)
  },
}

const accounts: Target = {
  name: 'account-rows',
  about: 'rows of passwd and shadow: numbers that are numbers, and no row made of half a line',
  words: [':', '::', '0', '*', '!', '$6$', '/bin/sh', '4294967296', '-1'],
  seeds: () => [utf8Bytes('ada:x:1000:1000:Ada:/home/ada:/bin/sh'), utf8Bytes('ada:$6$salt$hash:19000:0:99999:7:::')],
  run: (input, note) => {
    const text = textOf(input)
    const account = parsePasswdLine(text)
    if (account !== undefined) {
      note('passwd')
      assert.ok(account.uid >= 0 && account.gid >= 0 && account.shell !== '' && account.home !== '')
      assert.ok(text.startsWith(`${account.name}:`))
    }
    const shadow = parseShadowLine(text)
    if (shadow === undefined) return
    note('shadow')
    assert.ok(text.startsWith(`${shadow.name}:${shadow.hash}:`))
    for (const days of [shadow.lastChange, shadow.maximumAge, shadow.inactive, shadow.warning, shadow.expires])
      assert.ok(days === undefined || days >= 0)
  },
}

const environment: Target = {
  name: 'environment-file',
  about: '~/.ssh/environment: names that are not empty, values of one line',
  words: ['=', '#', '\n', ' ', 'PATH=/bin', '\0'],
  seeds: () => [utf8Bytes('# mine\nLANG=C\n PATH=/bin:/usr/bin\n'), utf8Bytes('=x\n')],
  run: (input, note) => {
    for (const [name, value] of readEnvironmentFile(textOf(input))) {
      note('variable')
      assert.ok(name !== '' && !/[=\0\n]/.test(name), name)
      assert.doesNotMatch(value, /[\0\n]/)
    }
  },
}

const secret = 'sesame-street'
const programLine: Target = {
  name: 'account-program',
  about: 'a line of AuthenticationCommand: refused in words in which nothing of it stands, or questions and verdicts of the right shape',
  words: [
    '{"ask":[',
    '{"verdict":"',
    '"environment":{',
    '"text":"',
    '"is":"hidden"',
    '"is":"visible"',
    '"means":"new-password"',
    '__proto__',
    '\\u0000',
    '}]}',
    'null',
    '[',
    secret,
  ],
  seeds: () =>
    [
      `{"ask":[{"is":"hidden","text":"${secret}","means":"current-password"},{"is":"info","text":"hello"}]}`,
      `{"verdict":"accept","text":"welcome","log":"${secret}","environment":{"A":"1","_B2":"two"}}`,
    ].map(utf8Bytes),
  run: (input, note) => {
    const text = textOf(input)
    let line: ReturnType<typeof readLine>
    try {
      line = readLine(text)
    } catch (error) {
      // Whoever runs the program says which it was before these words.
      assert.ok(error instanceof Error && error.constructor === Error && error.message.startsWith('it'), String(error))
      sentence(error.message)
      assert.ok(!error.message.includes(secret), error.message)
      note(error.message)
      return
    }
    if ('verdict' in line) {
      note('verdict')
      assert.equal(typeof line.verdict, 'string')
      for (const each of [line.text, line.log]) assert.ok(each === undefined || typeof each === 'string')
      for (const [name, value] of Object.entries(line.environment)) {
        assert.match(name, /^[A-Za-z_][A-Za-z0-9_]*$/)
        assert.ok(typeof value === 'string' && !value.includes('\0'))
        note('variable')
      }
      assert.equal(Object.getPrototypeOf(line.environment), Object.prototype)
    } else {
      note(`asks ${Math.min(line.ask.length, 3)}`)
      assert.ok(line.ask.length <= 128)
      for (const { is, text: shownText, means } of line.ask) {
        assert.ok(['hidden', 'visible', 'info', 'error'].includes(is) && typeof shownText === 'string')
        assert.ok(means === undefined || means === 'current-password' || means === 'new-password')
        note(`${is} ${means}`)
      }
    }
  },
}

export const loginTargets: readonly Target[] = [principalsFile, shosts, netgroups, accounts, environment, programLine]
