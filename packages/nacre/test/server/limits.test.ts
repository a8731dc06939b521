// Sessions within the limits of a key or certificate: what a forced command replaces, and terminals that are not given.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { noOptions } from '../../src/keys/key-options.ts'
import { withinLimits } from '../../src/server/limits.ts'
import type { HandlerResult, Session, SessionHandlers } from '../../src/server/session.ts'

const limits = (command: string | undefined, pty = true) => ({ command, may: { ...noOptions.may, pty } })

/** As much of a session as the handlers here look at. */
const session = (asked: Partial<Session<string>>): Session<string> =>
  ({ user: 'ada', kind: 'exec', command: undefined, subsystem: undefined, env: { LANG: 'C' }, ...asked }) as Session<string>

const seen: string[] = []
const say =
  (who: string) =>
  (at: Session<string>): HandlerResult => {
    seen.push(`${who}: ${at.kind} ${at.command ?? at.subsystem ?? '-'} ${JSON.stringify(at.env)}`)
    return 7
  }
const handlers: SessionHandlers<string> = { exec: say('exec'), shell: say('shell'), subsystems: { sftp: say('sftp') }, acceptEnv: ['LANG'] }

describe('a forced command', () => {
  const forced = withinLimits(handlers, limits('uptime'))
  const run = (asked: Partial<Session<string>>, handler = forced.exec): unknown => {
    seen.length = 0
    return handler?.(session(asked))
  }
  test('runs instead of what is asked for, which it is told', () => {
    assert.equal(run({ command: 'rm -rf /' }), 7)
    assert.deepEqual(seen, ['exec: exec uptime {"LANG":"C","SSH_ORIGINAL_COMMAND":"rm -rf /"}'])
  })
  test('runs instead of a shell', () => {
    run({ kind: 'shell' }, forced.shell)
    assert.deepEqual(seen, ['exec: exec uptime {"LANG":"C"}'])
  })
  test('runs instead of a subsystem, and there are no others than before', () => {
    run({ kind: 'subsystem', subsystem: 'sftp' }, forced.subsystems?.['sftp'])
    assert.deepEqual(seen, ['exec: exec uptime {"LANG":"C","SSH_ORIGINAL_COMMAND":"sftp"}'])
    assert.deepEqual(Object.keys(forced.subsystems ?? {}), ['sftp'])
  })
  test('leaves nothing to run where commands are not served', () => {
    const { exec, shell, subsystems } = withinLimits({ shell: say('shell'), subsystems: { sftp: say('sftp') } }, limits('uptime'))
    assert.deepEqual([exec, shell, subsystems], [undefined, undefined, undefined])
  })
  test('keeps what else the handlers say', () => assert.deepEqual(forced.acceptEnv, ['LANG']))
})

describe('without one', () => {
  test('the handlers are those of before', () => {
    const same = withinLimits(handlers, limits(undefined))
    assert.equal(same.exec, handlers.exec)
    assert.equal(same.shell, handlers.shell)
    assert.equal(same.pty, undefined)
  })
  test('terminals are given only with leave', () => {
    for (const command of [undefined, 'uptime']) {
      const { pty } = withinLimits({ ...handlers, pty: true }, limits(command, false))
      assert.equal(typeof pty === 'function' && pty({ user: 'ada', term: 'xterm' }), false)
    }
  })
})
