// What sshd's log says of sessions: their beginning and end, what a client asked for and did not get, and the rule that decided.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ChannelOpenError, RequestRefusedError } from 'nacre'
import { formatPublicKeyLine } from 'nacre/keys'
import { createLog } from '../../src/sshd/log.ts'
import { accountAt, authorize, newKey, temporaryFolder, world, type WorldOptions } from './world.ts'

const key = await newKey()

type Line = Readonly<Record<string, unknown>>

/** A client that is logged in, and the lines of sessions so far. Lines of the configuration begin with the second. */
const site = async (config: string, rules: WorldOptions['rules'] = {}, prefix = '') => {
  const folder = temporaryFolder()
  const account = accountAt(folder.path)
  authorize(account, [`${prefix}${formatPublicKeyLine(key.publicKey)}`])
  const objects: Line[] = []
  const log = createLog(line => objects.push(JSON.parse(line)), 'VERBOSE', { format: 'json' })
  const server = await world(account, { config, rules: { ...rules, log } })
  const client = await server.logIn({ signers: [key] })
  return {
    client,
    account,
    /** Without what every line has. */
    events: () =>
      objects.map(line => {
        const { time, level, program, pid, connection, ...rest } = line
        assert.ok([time, program, pid, connection].every(each => each !== undefined))
        return { level, ...rest } as Line
      }),
    async [Symbol.asyncDispose]() {
      void client.close()
      await server[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}
const from = { address: '192.0.2.7', port: 50022 }
const whole = 'from 192.0.2.7 port 50022'

describe('a session', () => {
  test('begins and ends, with its kind, its number in the connection and how it ended', async () => {
    await using it = await site('')
    await it.client.run('exit 3')
    await it.client.run('kill -TERM $$')
    const { name: user } = it.account
    const about = { ...from, user, kind: 'command', tty: false, level: 'VERBOSE' }
    assert.deepEqual(it.events(), [
      { ...about, event: 'session-start', session: 0, message: `Starting session: command for ${user} ${whole} id 0` },
      { ...about, event: 'session-end', session: 0, status: 3, message: `Close session: user ${user} ${whole} id 0` },
      { ...about, event: 'session-start', session: 1, message: `Starting session: command for ${user} ${whole} id 1` },
      { ...about, event: 'session-end', session: 1, signal: 'TERM', message: `Close session: user ${user} ${whole} id 1` },
    ])
  })

  test('in place of which something else is run says what, and who says so', async () => {
    await using it = await site('ForceCommand true')
    await it.client.run('rm -rf /nowhere')
    const [{ message, event, forced, ...rest }] = it.events()
    assert.deepEqual([event, forced], ['session-start', 'config'])
    assert.match(String(message), /^Starting session: forced-command \(config\) 'true' for .*, by ForceCommand at test line 2$/)
    assert.deepEqual([rest.keyword, rest.file, rest.line], ['ForceCommand', 'test', 2])
    await using other = await site('', {}, 'command="true" ')
    await other.client.run('anything')
    assert.match(String(other.events()[0].message), /^Starting session: forced-command \(key-option\) 'true' for /)
    assert.equal(other.events()[0].forced, 'key')
  })

  test('has none of the words of a command in the log', async () => {
    await using it = await site('')
    await it.client.run('true sesame')
    assert.doesNotMatch(JSON.stringify(it.events()), /sesame/)
  })
})

describe('what is refused', () => {
  test('names the line of PermitTTY, or the key', async () => {
    await using it = await site('PermitTTY no', { permitTty: false })
    await assert.rejects(it.client.exec('true', { pty: { columns: 80, rows: 24 } }), RequestRefusedError)
    const [line] = it.events()
    assert.deepEqual(line, {
      ...from,
      user: it.account.name,
      level: 'VERBOSE',
      event: 'session-refused',
      what: 'terminal',
      keyword: 'PermitTTY',
      file: 'test',
      line: 2,
      message: 'Allocating a pty not permitted for this connection: PermitTTY at test line 2.',
    })
    await using other = await site('', {}, 'no-pty ')
    await assert.rejects(other.client.exec('true', { pty: { columns: 80, rows: 24 } }), RequestRefusedError)
    assert.equal(
      other.events()[0].message,
      'Allocating a pty not permitted for this connection: the key or its certificate does not permit it.',
    )
  })

  test('names a variable that AcceptEnv does not take, and none that it takes', async () => {
    await using it = await site('AcceptEnv PEARL_*', { acceptEnv: ['PEARL_*'] })
    await it.client.run('true', { env: { PEARL_A: 'white', 'FRUIT\u001b': 'forbidden' } })
    const refused = it.events().filter(({ event }) => event === 'session-refused')
    assert.deepEqual(
      refused.map(({ message, name }) => [message, name]),
      [['The variable FRUIT\\x1b of the client is left out: AcceptEnv at test line 2 does not take it.', 'FRUIT\u001b']],
    )
    assert.doesNotMatch(JSON.stringify(it.events()), /forbidden|white/)
  })

  test('names MaxSessions, also when nobody set it', async () => {
    await using it = await site('MaxSessions 1')
    const first = await it.client.exec('cat')
    await assert.rejects(it.client.exec('true'), ChannelOpenError)
    const line = it.events().find(({ what }) => what === 'session')
    assert.deepEqual(
      [line?.message, line?.level, line?.line],
      ['no more sessions: MaxSessions at test line 2 allows 1 at once.', 'INFO', 2],
    )
    first.stdin.close().catch(() => {})
    await first.exited
  })

  test('names a subsystem nobody set up', async () => {
    await using it = await site('')
    await assert.rejects(it.client.subsystem('netconf'), RequestRefusedError)
    const [line] = it.events()
    assert.match(String(line.message), /^subsystem request for netconf by user .* failed, subsystem not found: no Subsystem line/)
    assert.deepEqual([line.event, line.what, line.name], ['session-refused', 'subsystem', 'netconf'])
  })
})
