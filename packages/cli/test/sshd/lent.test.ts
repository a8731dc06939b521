// What sshd lets clients lend to their sessions: the configuration, the key's options and the state of the login each have a say.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { noOptions, parseKeyOptions } from 'nacre/keys'
import type { SessionHandlers } from 'nacre/server'
import { lendingHandlers, lendingRules } from '../../src/sshd/lent.ts'
import { lendingOf, loginBy, type Login } from '../../src/sshd/login.ts'
import { configOf, keptLog } from './world.ts'

const account = { name: 'ada', uid: 1000, gid: 1000, home: '/home/ada', shell: '/bin/sh' }
const byKey = (...options: readonly string[]): Login =>
  Object.assign(
    {},
    ...options.map((text, step) => {
      const parsed = text === '' ? noOptions : parseKeyOptions(text)
      assert.ok(typeof parsed === 'object', String(parsed))
      return loginBy(account, step, { method: 'publickey', options: parsed })
    }),
  ) as Login

type Handlers = Pick<SessionHandlers<Login>, 'agent' | 'x11'>
const asks = (rule: Handlers['agent'], login: Login): boolean => (typeof rule === 'function' ? rule({ user: login }) : rule === true)

/** What that configuration gives a login, and what the log says. */
const given = (config: string, login = byKey('')) => {
  const { lines, log } = keptLog('VERBOSE')
  const handlers = lendingHandlers(lendingRules(configOf(config).config), login, log)
  return { agent: asks(handlers.agent, login), x11: asks(handlers.x11, login), lines }
}
const here = `XAuthLocation ${process.execPath}`

describe('the configuration', () => {
  it('permits agents and no displays, unless it says otherwise', () => {
    assert.deepEqual([given('').agent, given('').x11], [true, false])
    const all = given(`X11Forwarding yes\n${here}`)
    assert.deepEqual([all.agent, all.x11, all.lines], [true, true, []])
  })

  it('forbids agents by AllowAgentForwarding, and both by DisableForwarding', () => {
    const without = given(`AllowAgentForwarding no\nX11Forwarding yes\n${here}`)
    assert.deepEqual([without.agent, without.x11], [false, true])
    assert.match(without.lines.join(), /Agent forwarding is refused for ada: AllowAgentForwarding/)
    const none = given(`DisableForwarding yes\nX11Forwarding yes\n${here}`)
    assert.deepEqual([none.agent, none.x11], [false, false])
  })

  it('says where displays begin and who may connect to them', () => {
    const rules = lendingRules(configOf('X11Forwarding yes\nX11DisplayOffset 42\nX11UseLocalhost no\nXAuthLocation /opt/xauth').config)
    assert.deepEqual(rules.x11, { offset: 42, localhost: false, xauth: '/opt/xauth' })
  })

  it('names an xauth that is there, or nobody gets a display and the log says why', () => {
    const { x11, lines } = given('X11Forwarding yes\nXAuthLocation /nowhere/xauth')
    assert.ok(!x11)
    assert.match(lines.join(), /No xauth program; cannot forward X11: there is no \/nowhere\/xauth\. Install xauth/)
  })
})

describe('a key', () => {
  const config = `X11Forwarding yes\n${here}`
  it('takes away what its options say, and restrict takes all', () => {
    for (const [options, agent, x11] of [
      ['no-agent-forwarding', false, true],
      ['no-X11-forwarding', true, false],
      ['restrict', false, false],
      ['restrict,agent-forwarding', true, false],
      ['restrict,x11-forwarding', false, true],
    ] as const) {
      const got = given(config, byKey(options))
      assert.deepEqual([got.agent, got.x11], [agent, x11], options)
      assert.match(got.lines.join(), /the key or its certificate does not permit it/)
    }
  })

  it('of several has the least to say, not the last', () => {
    const got = given(config, byKey('no-agent-forwarding', ''))
    assert.deepEqual([got.agent, got.x11], [false, true])
  })

  it('is of no use before an old password is changed', () => {
    assert.deepEqual(lendingOf({ ...byKey(''), passwordOld: true }), { agent: false, x11: false })
  })
})
