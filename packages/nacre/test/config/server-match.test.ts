// Match in sshd_config: what each criterion means, what decided a value, and what blocks say that nobody acts on.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { BadValue } from '../../src/config/kinds.ts'
import { parseServerConfig } from '../../src/config/server-config.ts'
import {
  compareAddress,
  type ConnectionFacts,
  decideByConnection,
  matchesUserPattern,
  readConnectionSpec,
} from '../../src/config/server-match.ts'
import { ConfigError } from '../../src/errors.ts'

const holds = (criterion: string, argument: string, facts: ConnectionFacts): boolean => decideByConnection(facts)({ criterion, argument })

describe('a criterion', () => {
  const facts: ConnectionFacts = {
    user: 'ada',
    groups: ['ada', 'staff'],
    host: 'Desk.example.org',
    address: '10.1.2.3',
    localAddress: '2001:db8::1',
    localPort: 22,
    rdomain: '7',
  }
  for (const [criterion, argument, expected] of [
    ['user', 'ada', true],
    ['user', 'A*', false],
    ['user', '*,!ada', false],
    ['user', '!bob', false],
    ['group', 'wheel,staff', true],
    ['group', '*,!ada', false],
    ['group', '!wheel', false],
    ['host', '*.EXAMPLE.ORG', true],
    ['host', '*.example.org,!desk.*', false],
    ['address', '10.0.0.0/8', true],
    ['address', '10.0.0.0/8,!10.1.0.0/16', false],
    ['address', '!10.1.0.0/16,10.0.0.0/8', false],
    ['address', '10.1.*', true],
    ['address', '10.1.2.4', false],
    ['localaddress', '2001:db8::/32', true],
    ['localaddress', '2001:db8:0::1', true],
    ['localport', '22', true],
    ['localport', '2222', false],
    ['rdomain', '?', true],
    ['version', 'OpenSSH_10.*', true],
    ['version', 'OpenSSH_9.*', false],
    ['invalid-user', '', false],
  ] as const)
    test(`${criterion} ${argument}: ${expected}`, () => assert.equal(holds(criterion, argument, facts), expected))

  test('does not hold when what it asks for is not known', () => {
    for (const [criterion, argument] of [
      ['user', '*'],
      ['group', '*'],
      ['host', '*'],
      ['address', '*'],
      ['localaddress', '0.0.0.0/0'],
      ['localport', '22'],
      ['rdomain', '*'],
    ])
      assert.equal(holds(criterion, argument, {}), false, criterion)
  })
  test('is a fault when its argument is none, whoever comes', () => {
    for (const [criterion, argument] of [
      ['address', '10.0.0.1/8'],
      ['address', '10.0.0.0/33'],
      ['address', '10.0.0.1,,10.0.0.2'],
      ['localaddress', '::/129'],
      ['localport', '0'],
      ['localport', 'ssh'],
      ['exec', 'true'],
    ])
      assert.throws(() => holds(criterion, argument, facts), BadValue, `${criterion} ${argument}`)
  })
  test('compares no address with what is none', () => {
    assert.equal(compareAddress('UNKNOWN', '*'), 'none')
    assert.equal(compareAddress(undefined, '*'), 'none')
    assert.equal(compareAddress('10.0.0.1', '*,!10.0.0.0/8'), 'negated')
  })
})

test('a pattern of a list of users has a host after its last @', () => {
  const from = { user: 'ada@home', host: 'desk.example.org', address: '192.0.2.7' }
  assert.equal(matchesUserPattern('ada@home@192.0.2.0/24', from), true)
  assert.equal(matchesUserPattern('ada@192.0.2.0/24', from), false)
  assert.throws(() => matchesUserPattern('ada@192.0.2.1/24', from), BadValue)
  // Who comes from nowhere known is nobody's user@host.
  assert.equal(matchesUserPattern('*@*', { ...from, host: undefined, address: undefined }), false)
})

test('-C gives facts, an empty part ends them, later ones replace earlier', () => {
  assert.deepEqual(readConnectionSpec('user=a,host=h,addr=1.2.3.4,laddr=5.6.7.8,lport=9,rdomain=r,invalid-user'), {
    user: 'a',
    host: 'h',
    address: '1.2.3.4',
    localAddress: '5.6.7.8',
    localPort: 9,
    rdomain: 'r',
    invalidUser: true,
  })
  assert.deepEqual(readConnectionSpec('user=a,,user=b'), { user: 'a' })
  assert.deepEqual(readConnectionSpec('user=b', { user: 'a', host: 'h' }), { user: 'b', host: 'h' })
  for (const wrong of ['user', 'lport=x', 'lport=0', 'port=1', 'invalid-user=yes'])
    assert.throws(() => readConnectionSpec(wrong), BadValue, wrong)
})

describe('what holds for a connection', () => {
  const text = [
    'MaxAuthTries 3',
    'AllowUsers everybody',
    'Match User ada Address 10.0.0.0/8',
    'MaxAuthTries 4',
    'Match User ada',
    'MaxAuthTries 5',
    'AllowUsers ada',
    'LogVerbose *',
    'Match Group jailed',
    'ChrootDirectory /srv',
  ].join('\n')
  const all = parseServerConfig([{ path: 'sshd_config', text }])

  test('is said with the line that decided it, and the Match lines that hold', () => {
    const ada = all.forConnection({ user: 'ada', address: '10.1.1.1' })
    assert.deepEqual([ada.config.maxAuthTries, ada.config.allowUsers], [4, ['ada']])
    assert.equal(ada.decidedBy('maxAuthTries'), 'sshd_config line 4')
    assert.equal(ada.decidedBy('allowUsers'), 'sshd_config line 7')
    assert.equal(ada.decidedBy('permitTty'), 'the default')
    assert.deepEqual(ada.matched, ['sshd_config line 3', 'sshd_config line 5'])
    assert.equal(all.decidedBy('maxAuthTries'), 'sshd_config line 1')
  })
  test('all criteria of a line have to hold', () => {
    assert.equal(all.forConnection({ user: 'ada', address: '192.0.2.1' }).config.maxAuthTries, 5)
    assert.equal(all.forConnection({ user: 'bob', address: '10.1.1.1' }).config.maxAuthTries, 3)
  })
  test('is what holds for everybody where there are no blocks', () => {
    const plain = parseServerConfig([{ path: 'sshd_config', text: 'MaxSessions 2' }])
    assert.equal(plain.forConnection({ user: 'ada' }), plain)
  })
  test('what blocks say and nobody acts on is said beforehand', () => {
    assert.deepEqual(all.warnings, [
      'sshd_config line 8: LogVerbose has no effect: its patterns name lines of OpenSSH’s own source.',
      'sshd_config line 10: ChrootDirectory is not supported by this version; whoever the block is for cannot log in.',
    ])
    assert.throws(() => all.forConnection({ user: 'eve', groups: ['jailed'] }), ConfigError)
    assert.doesNotThrow(() => all.forConnection({ user: 'eve', groups: ['free'] }))
  })
  test('an argument that is none is found at the start, whatever stands in front of it', () => {
    for (const [criteria, message] of [
      ['User nobody-at-all LocalPort x', /line 1: Match has the port "x"/],
      ['Group none Address 10.0.0.1/8', /line 1: Match has "10\.0\.0\.1\/8"/],
    ] as const)
      assert.throws(() => parseServerConfig([{ path: 'sshd_config', text: `Match ${criteria}\nMaxSessions 1` }]), message)
  })
  test('reads included files once', () => {
    let reads = 0
    const include = () => {
      reads++
      return [{ path: 'more.conf', text: 'Match User ada\nMaxSessions 1' }]
    }
    const with_ = parseServerConfig([{ path: 'sshd_config', text: 'Include more.conf' }], { include })
    assert.equal(with_.forConnection({ user: 'ada' }).config.maxSessions, 1)
    assert.equal(with_.forConnection({ user: 'bob' }).config.maxSessions, 10)
    assert.equal(reads, 1)
  })
})
