// What a login may reach through sshd: the configuration, the key's options and the certificate each have a say, and the least
// of it counts.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { noOptions, parseKeyOptions } from 'nacre/keys'
import { type ForwardRules, openProblem } from '../../src/sshd/direct-tcpip.ts'
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

const open: ForwardRules = { allowTcpForwarding: 'yes', disableForwarding: false, permitOpen: ['any'] }
const problem = (to: string, login: Login, rules: Partial<ForwardRules> = {}): string | undefined => {
  const colon = to.lastIndexOf(':')
  const request = { host: to.slice(0, colon), port: Number(to.slice(colon + 1)), originator: { address: '127.0.0.1', port: 1 } }
  return openProblem(request, { ...open, ...rules }, forwardingOf(login))
}

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

describe('a key', () => {
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
