// The options of authorized_keys, one by one, as sshd(8) lists them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatKeyOptions, type KeyOptions, noOptions, parseKeyOptions } from '../../src/keys/key-options.ts'

const parse = (field: string): KeyOptions => {
  const options = parseKeyOptions(field)
  if (typeof options === 'string') throw new Error(`${field}: ${options}`)
  return options
}
const problem = (field: string): string => {
  const options = parseKeyOptions(field)
  assert.equal(typeof options, 'string', field)
  return options as string
}

const everything = { pty: true, portForwarding: true, agentForwarding: true, x11Forwarding: true, userRc: true, tunnels: true }
const nothing = { pty: false, portForwarding: false, agentForwarding: false, x11Forwarding: false, userRc: false, tunnels: false }

test('permissions: all by default, restrict takes all, single ones are given back and taken away in order', () => {
  assert.deepEqual(noOptions.may, everything)
  assert.deepEqual(parse('restrict').may, nothing)
  assert.deepEqual(parse('restrict,pty,X11-forwarding').may, { ...nothing, pty: true, x11Forwarding: true })
  assert.deepEqual(parse('no-pty,no-port-forwarding,no-agent-forwarding,no-X11-forwarding,no-user-rc').may, { ...nothing, tunnels: true })
  assert.deepEqual(parse('pty,restrict').may, nothing)
  assert.deepEqual(parse('RESTRICT,Agent-Forwarding,Port-Forwarding,User-RC').may, {
    ...everything,
    pty: false,
    x11Forwarding: false,
    tunnels: false,
  })
})

test('parsing leaves the shared default alone', () => {
  parse('restrict,environment="A=1"')
  assert.deepEqual(noOptions.may, everything)
  assert.deepEqual(noOptions.environment, [])
})

test('command: only \\" is an escape', () => {
  assert.equal(parse('command="a\\"b"').command, 'a"b')
  assert.equal(parse('command="a\\\\b\\n"').command, 'a\\\\b\\n')
  assert.equal(parse('command=""').command, '')
  assert.match(problem('command="a",command="b"'), /"command" is there twice/)
})

test('environment: names of letters, digits and underscores; the first of a name counts', () => {
  assert.deepEqual(parse('environment="A=1",environment="B_2=x=y",environment="A=2",environment="C="').environment, [
    { name: 'A', value: '1' },
    { name: 'B_2', value: 'x=y' },
    { name: 'C', value: '' },
  ])
  for (const bad of ['environment="=x"', 'environment="A"', 'environment="A-B=1"', 'environment=" A=1"']) problem(bad)
})

test('from: a list of patterns', () => {
  assert.deepEqual(parse('from="*.example,!bad.example,192.0.2.0/24"').from, ['*.example', '!bad.example', '192.0.2.0/24'])
  assert.deepEqual(parse('from="a, !b"').from, ['a', ' !b'], 'a blank is part of a pattern, as it is to sshd')
  for (const empty of ['from=""', 'from="a,"', 'from=",a"', 'from="a,,b"', 'from="!"']) assert.match(problem(empty), /empty entry/)
  problem('from="a",from="b"')
})

test('expiry-time: local time or UTC, the earliest counts, impossible ones are refused', () => {
  assert.equal(parse('expiry-time="20300102Z"').expires, Date.UTC(2030, 0, 2))
  assert.equal(parse('expiry-time="203001021530Z"').expires, Date.UTC(2030, 0, 2, 15, 30))
  assert.equal(parse('expiry-time="20300102153059z"').expires, Date.UTC(2030, 0, 2, 15, 30, 59))
  assert.equal(parse('expiry-time="20300102"').expires, new Date(2030, 0, 2).getTime())
  assert.equal(parse('expiry-time="20300102Z",expiry-time="20290102Z"').expires, Date.UTC(2029, 0, 2))
  for (const bad of ['20301301Z', '20300230Z', '203001022530Z', '2030-01-02', '', '2030010215']) problem(`expiry-time="${bad}"`)
})

test('permitopen and permitlisten', () => {
  assert.deepEqual(parse('permitopen="localhost:80",permitopen="[2001:db8::1]:443",permitopen="*:*"').permitOpen, [
    { host: 'localhost', port: 80 },
    { host: '2001:db8::1', port: 443 },
    { host: '*', port: '*' },
  ])
  assert.deepEqual(parse('permitlisten="8080",permitlisten="localhost:8081",permitlisten="*"').permitListen, [
    { host: '*', port: 8080 },
    { host: 'localhost', port: 8081 },
    { host: '*', port: '*' },
  ])
  for (const bad of [
    'permitopen="80"',
    'permitopen="a:"',
    'permitopen="a:99999"',
    'permitopen="a:0"',
    'permitopen="::1:80"',
    'permitlisten="a:b"',
    'permitlisten=""',
  ])
    problem(bad)
})

test('tunnel, principals, and the flags of certificates and security keys', () => {
  assert.equal(parse('tunnel="3"').tunnel, 3)
  assert.equal(parse('tunnel="any"').tunnel, 'any')
  problem('tunnel="x"')
  assert.deepEqual(parse('cert-authority,principals="a,b"').principals, ['a', 'b'])
  assert.deepEqual([parse('tunnel="1",tunnel="ANY"').tunnel, parse('tunnel="any",tunnel="0"').tunnel], ['any', 0], 'the last counts')
  problem('tunnel="2147483646"')
  problem('cert-authority,principals="a,,b"')
  assert.match(problem('principals="a"'), /only for keys with "cert-authority"/)
  assert.deepEqual(parse('principals="a",cert-authority').principals, ['a'])
  const flags = parse('cert-authority,no-touch-required,verify-required')
  assert.deepEqual([flags.certAuthority, flags.noTouchRequired, flags.verifyRequired], [true, true, true])
  assert.equal(parse('tunnel="1",restrict').may.tunnels, false)
  assert.equal(parse('restrict,pty,port-forwarding').may.tunnels, false, 'nothing gives tunnels back')
  assert.equal(parse('no-port-forwarding').may.tunnels, true)
  const none = parse('pty')
  assert.deepEqual([none.certAuthority, none.noTouchRequired, none.verifyRequired], [false, false, false])
})

test('what is not an option says so', () => {
  assert.match(problem('sudo'), /"sudo" is not known/)
  assert.match(problem('sudo="x"'), /"sudo" is not known/)
  assert.match(problem('command'), /needs a value/)
  assert.match(problem('pty="no"'), /takes no value/)
  assert.match(problem('command=ls'), /not in double quotes/)
  for (const odd of ['from="10.0.0.1/8"', 'from="::1,!fe80::1/10"', 'from="10.0.0.0/33"'])
    assert.match(problem(odd), /length is not that of its address/)
  assert.deepEqual(parse('from="::1,!fe80::/10,10.0.0.0/8,a/8"').from?.length, 4)
  assert.match(problem('pty;restrict'), /something odd behind "pty"/)
  assert.match(problem('pty, restrict'), /something odd at " restrict"/)
})

test('nothing between commas says nothing, as it is to sshd', () => {
  for (const field of ['no-pty', ',no-pty', 'no-pty,', ',,no-pty,,no-pty,,'])
    assert.deepEqual(parse(field).may, { ...everything, pty: false }, field)
  assert.deepEqual(parse(''), noOptions)
})

test('written again, options mean the same', () => {
  const fields = [
    '',
    'no-pty,no-user-rc',
    'restrict',
    'restrict,pty,X11-forwarding',
    'no-pty,no-user-rc,no-agent-forwarding',
    'command="echo \\"a\\\\" b\\"",from="10.0.0.0/8,!10.1.1.1, x"',
    'environment="A=1",environment="B_2=\\"x\\"",expiry-time="20300102153059Z"',
    'cert-authority,principals="a,b",verify-required,no-touch-required,tunnel="3"',
    'permitopen="localhost:80",permitopen="[2001:db8::1]:443",permitopen="*:*",permitlisten="8080",tunnel="any"',
  ]
  for (const field of fields) {
    const written = formatKeyOptions(parse(field))
    assert.deepEqual(parse(written), parse(field), written)
    assert.equal(formatKeyOptions(parse(written)), written)
  }
  assert.equal(formatKeyOptions(noOptions), '')
  assert.equal(formatKeyOptions(parse('no-user-rc,no-pty')), 'no-pty,no-user-rc')
  const all = 'no-pty,no-port-forwarding,no-agent-forwarding,no-x11-forwarding,no-user-rc'
  assert.equal(formatKeyOptions(parse(all)), all, 'restrict takes more')
  assert.equal(formatKeyOptions(parse(`restrict,${all}`)), 'restrict')
  for (const command of ['two\nlines', 'a\\', 'a\0', 'a\r'])
    assert.throws(() => formatKeyOptions({ ...noOptions, command }), /^TypeError: the option "command" cannot have the value/)
})
