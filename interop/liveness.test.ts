// Owns peers that stop answering without closing: a stopped process must be noticed, by us and through our answers by OpenSSH.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { openSshCommand, openSshServer } from './peers/openssh.ts'
import { ssh2Server } from './peers/scripted.ts'
import { userKey } from './rig/keys.ts'
import { start, withinSeconds } from './rig/process.ts'
import { test } from './rig/test.ts'
import { nacreConnect } from './sites/client.ts'
import { nacreServer } from './sites/server.ts'

const login = { key: userKey() }
const accepts = { keys: [userKey()] }
const keepalive = { milliseconds: 200, maximumUnanswered: 2 }

const pause = (milliseconds: number): Promise<void> => new Promise(resolve => setTimeout(resolve, milliseconds))

describe('a stopped peer', () => {
  test('OpenSSH sshd is noticed by our client', {}, async () => {
    await using server = await openSshServer({ accepts })
    await using connection = await nacreConnect(server.to, login, { keepalive })
    await using process = await connection.exec('echo begun; exec sleep 600')
    await process.stdout.getReader().read()
    for (const pid of server.process.descendants()) globalThis.process.kill(pid, 'SIGSTOP')
    const ended = await withinSeconds(15, connection.closed, () => 'nothing was noticed')
    assert.equal(ended.by, 'network')
    assert.match(ended.error.message, /answer/)
    await assert.rejects(process.exited, ended.error)
  })

  test('OpenSSH ssh is noticed by our server', {}, async () => {
    await using server = await nacreServer({ accepts, keepalive })
    const { command, options } = openSshCommand({ to: server.to, login, command: 'echo begun; exec sleep 600' })
    await using client = await start(command, options)
    await new Promise(resolve => client.stdout.once('data', resolve))
    const [connection] = server.connections()
    assert.ok(connection !== undefined)
    client.kill('SIGSTOP')
    const ended = await withinSeconds(15, connection.closed, () => 'nothing was noticed')
    assert.equal(ended.by, 'network')
    assert.equal(server.connections().size, 0)
  })

  test('one that is stopped before it greets is given up', {}, async () => {
    await using server = await openSshServer({ accepts })
    server.process.kill('SIGSTOP')
    await assert.rejects(nacreConnect(server.to, login, { deadlines: { handshake: 500 } }), { code: 'TIMEOUT' })
    server.process.kill('SIGCONT')
  })
})

describe('a quiet peer that lives', () => {
  test('OpenSSH sshd answers our questions', {}, async () => {
    await using server = await openSshServer({ accepts })
    await using connection = await nacreConnect(server.to, login, { keepalive: { milliseconds: 50, maximumUnanswered: 2 } })
    await pause(1000)
    assert.equal((await connection.run('echo alive')).stdout, 'alive\n')
  })

  test('ssh2 answers our questions', {}, async () => {
    await using server = await ssh2Server({ accepts })
    await using connection = await nacreConnect(server.to, login, { keepalive: { milliseconds: 50, maximumUnanswered: 2 } })
    await pause(1000)
    assert.equal((await connection.run('echo alive')).stdout, 'alive\n')
  })

  test('our server answers the questions of OpenSSH ssh', {}, async () => {
    await using server = await nacreServer({ accepts, keepalive: false })
    const { command, options } = openSshCommand({
      to: server.to,
      login,
      command: 'sleep 3; echo alive',
      options: ['ServerAliveInterval=1', 'ServerAliveCountMax=1'],
    })
    await using client = await start(command, { ...options, logStdout: true })
    assert.equal((await client.exited).code, 0)
    assert.match(client.log(), /alive/)
  })

  test('our client answers the questions of OpenSSH sshd', {}, async () => {
    await using server = await openSshServer({ accepts, config: ['ClientAliveInterval 1', 'ClientAliveCountMax 1'] })
    await using connection = await nacreConnect(server.to, login, { keepalive: false })
    assert.equal((await connection.run('sleep 3; echo alive')).stdout, 'alive\n')
  })
})
