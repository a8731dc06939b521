// What a login may reach through sshd: the configuration, the key's options and the certificate each have a say, and the least
// of it counts.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { noOptions, parseKeyOptions } from 'nacre/keys'
import type { ForwardRequest } from 'nacre/server'
import { forwardProblem, type ForwardingConfig } from '../../src/sshd/forwards.ts'
import { forwardingOf, loginBy, type Login } from '../../src/sshd/login.ts'
import type { Account } from '../../src/sshd/account.ts'

const account = { name: 'ada', uid: 1000, gid: 1000, home: '/home/ada', shell: '/bin/sh' } as Account
const byKey = (...options: readonly string[]): Login =>
  Object.assign(
    {},
    ...options.map((text, step) => {
      const parsed = text === '' ? noOptions : parseKeyOptions(text)
      assert.ok(typeof parsed === 'object', String(parsed))
      return loginBy(account, step, { method: 'publickey', options: parsed })
    }),
  ) as Login

const open: ForwardingConfig = {
  allowTcpForwarding: 'yes',
  allowStreamLocalForwarding: 'yes',
  disableForwarding: false,
  permitOpen: ['any'],
  permitListen: ['any'],
}
const asked = (request: ForwardRequest, login: Login, rules: Partial<ForwardingConfig> = {}): string | undefined =>
  forwardProblem(request, { ...open, ...rules }, forwardingOf(login))?.why
const split = (at: string): { readonly host: string; readonly port: number } => {
  const colon = at.lastIndexOf(':')
  return { host: at.slice(0, colon), port: Number(at.slice(colon + 1)) }
}
const problem = (to: string, login: Login, rules: Partial<ForwardingConfig> = {}): string | undefined =>
  asked({ kind: 'local', ...split(to), originator: { address: '127.0.0.1', port: 1 } }, login, rules)
const listening = (at: string, login: Login, rules: Partial<ForwardingConfig> = {}): string | undefined =>
  asked({ kind: 'remote', ...split(at) }, login, rules)
const anybody = byKey('')
const pathOpen: ForwardRequest = { kind: 'local-socket', path: '/run/db' }
const pathListen: ForwardRequest = { kind: 'remote-socket', path: '/run/db' }

describe('the configuration', () => {
  it('allows every place by default', () => {
    assert.equal(problem('db:5432', byKey('')), undefined)
  })

  it('forbids by AllowTcpForwarding and DisableForwarding', () => {
    const verdicts = { yes: undefined, local: undefined, no: 'AllowTcpForwarding is no', remote: 'AllowTcpForwarding is remote' } as const
    for (const [value, expected] of Object.entries(verdicts))
      assert.equal(problem('db:5432', byKey(''), { allowTcpForwarding: value as keyof typeof verdicts }), expected)
    assert.equal(problem('db:5432', byKey(''), { disableForwarding: true }), 'DisableForwarding is set')
  })

  it('names places by PermitOpen: as written, any port or any host by a star, none', () => {
    const rules = { permitOpen: ['db:5432', '[::1]:22', 'web:*', '*:8080'] }
    for (const to of ['db:5432', '::1:22', 'web:1', 'web:65535', 'other:8080']) assert.equal(problem(to, byKey(''), rules), undefined, to)
    for (const to of ['db:5433', 'DB:5432', 'db.:5432', '::1:23', '0::1:22', 'web2:1', 'other:80'])
      assert.match(problem(to, byKey(''), rules) ?? '', /PermitOpen/, to)
    assert.match(problem('db:5432', byKey(''), { permitOpen: ['none'] }) ?? '', /PermitOpen/)
  })
})

describe('what stands in front of a key', () => {
  it('forbids by no-port-forwarding and restrict, and restrict can be taken back', () => {
    for (const options of ['no-port-forwarding', 'restrict']) assert.match(problem('db:5432', byKey(options)) ?? '', /does not permit/)
    assert.equal(problem('db:5432', byKey('restrict,port-forwarding')), undefined)
  })

  it('names places by permitopen, which must be in PermitOpen too', () => {
    const key = byKey('permitopen="db:5432",permitopen="[::1]:*"')
    assert.equal(problem('db:5432', key), undefined)
    assert.equal(problem('::1:7', key), undefined)
    assert.match(problem('db:5433', key) ?? '', /permitopen of the key/)
    assert.equal(problem('db:5432', key, { permitOpen: ['db:*'] }), undefined)
    assert.match(problem('db:5432', key, { permitOpen: ['other:*'] }) ?? '', /PermitOpen/)
  })

  it('is not overruled by another of the same login', () => {
    const both = byKey('permitopen="db:*"', 'permitopen="*:5432"')
    assert.equal(problem('db:5432', both), undefined)
    assert.match(problem('db:5433', both) ?? '', /permitopen/)
    assert.match(problem('web:5432', both) ?? '', /permitopen/)
    assert.match(problem('db:5432', byKey('', 'no-port-forwarding')) ?? '', /does not permit/)
  })
})

it('nothing is reached before an old password is changed', () => {
  const login = loginBy(account, 0, { method: 'password', passwordOld: true })
  assert.match(problem('db:5432', login) ?? '', /password/)
})

describe('what a login may have listened on', () => {
  it('is everything by default, any port that is free too', () => {
    for (const at of ['localhost:8080', ':0', '*:80', '0.0.0.0:1']) assert.equal(listening(at, anybody), undefined, at)
  })

  it('is nothing when only the other side may forward, or none', () => {
    const verdicts = { yes: undefined, remote: undefined, no: 'AllowTcpForwarding is no', local: 'AllowTcpForwarding is local' } as const
    for (const [value, expected] of Object.entries(verdicts))
      assert.equal(listening('localhost:1', anybody, { allowTcpForwarding: value as keyof typeof verdicts }), expected)
    assert.equal(listening('localhost:1', anybody, { disableForwarding: true }), 'DisableForwarding is set')
  })

  it('is named by PermitListen: a pattern for the address, in any case, and a port; port 0 only by a star', () => {
    const rules = { permitListen: ['localhost:8080', '*:9000', '10.0.?.*:*', '[::1]:7'] }
    for (const at of ['localhost:8080', 'LocalHost:8080', ':9000', 'anything:9000', '10.0.1.2:5', '10.0.1.2:0', '::1:7'])
      assert.equal(listening(at, anybody, rules), undefined, at)
    for (const at of ['localhost:8081', 'localhost:0', ':8080', '10.0.12.2:5', '10.1.1.2:5', '::1:8'])
      assert.match(listening(at, anybody, rules) ?? '', /PermitListen/, at)
    assert.match(listening('localhost:1', anybody, { permitListen: ['none'] }) ?? '', /PermitListen/)
  })

  it('is named by permitlisten of the key, which must be in PermitListen too', () => {
    const key = byKey('permitlisten="8080",permitlisten="localhost:*"')
    for (const at of ['localhost:1', 'localhost:0', ':8080', '*:8080']) assert.equal(listening(at, key), undefined, at)
    for (const at of [':1', '*:8081']) assert.match(listening(at, key) ?? '', /permitlisten of the key/, at)
    assert.match(listening('localhost:8080', key, { permitListen: ['*:9'] }) ?? '', /PermitListen/)
    for (const options of ['no-port-forwarding', 'restrict'])
      assert.match(listening('localhost:8080', byKey(options)) ?? '', /does not permit/)
  })

  it('has nothing to do with what it may reach', () => {
    assert.equal(listening('localhost:1', byKey('permitopen="db:1"'), { permitOpen: ['none'] }), undefined)
    assert.equal(problem('db:1', byKey('permitlisten="1"'), { permitListen: ['none'] }), undefined)
  })
})

describe('Unix sockets', () => {
  it('are forwarded by AllowStreamLocalForwarding', () => {
    const sides = { yes: [true, true], local: [true, false], remote: [false, true], no: [false, false] } as const
    for (const [value, [opens, listens]] of Object.entries(sides)) {
      const rules = { allowStreamLocalForwarding: value as keyof typeof sides }
      assert.equal(problem('db:1', anybody, rules), undefined, value)
      assert.equal(asked(pathOpen, anybody, rules) === undefined, opens, value)
      assert.equal(asked(pathListen, anybody, rules) === undefined, listens, value)
    }
    for (const request of [pathOpen, pathListen]) {
      assert.match(asked(request, anybody, { disableForwarding: true }) ?? '', /DisableForwarding/)
      assert.match(asked(request, byKey('restrict')) ?? '', /does not permit/)
    }
  })

  it('are closed where AllowTcpForwarding closes their side, as at OpenSSH’s', () => {
    const sides = { yes: [true, true], local: [true, false], remote: [false, true], no: [false, false] } as const
    for (const [value, [opens, listens]] of Object.entries(sides)) {
      const rules = { allowTcpForwarding: value as keyof typeof sides }
      assert.equal(asked(pathOpen, anybody, rules) === undefined, opens, value)
      assert.equal(asked(pathListen, anybody, rules) === undefined, listens, value)
    }
  })

  it('are reached only where PermitOpen and permitopen name any port; lists of places to listen on do not speak of them', () => {
    assert.match(asked(pathOpen, anybody, { permitOpen: ['*:22'] }) ?? '', /PermitOpen/)
    assert.equal(asked(pathOpen, anybody, { permitOpen: ['*:*'] }), undefined)
    assert.equal(asked(pathOpen, anybody, { permitOpen: ['/run/db:*'] }), undefined)
    assert.match(asked(pathOpen, byKey('permitopen="db:1"')) ?? '', /permitopen of the key/)
    assert.equal(asked(pathListen, byKey('permitlisten="1"'), { permitListen: ['none'] }), undefined)
  })
})
