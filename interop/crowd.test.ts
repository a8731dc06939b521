// Owns many at once: a hundred sessions over one connection, and over a hundred, in both directions.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { openSshClient, openSshCommand, openSshServer } from './peers/openssh.ts'
import { freshPath } from './rig/folder.ts'
import { userKey } from './rig/keys.ts'
import { finish, start } from './rig/process.ts'
import { test } from './rig/test.ts'
import { nacreConnect } from './sites/client.ts'
import { nacreServer } from './sites/server.ts'

const login = { key: userKey() }
const accepts = { keys: [userKey()] }
const crowd = Array.from({ length: 100 }, (_, index) => index)
/** Each says its number after all have begun to wait for input, so that all are there at once. */
const command = (index: number): string => `read go; echo ${index} $go; exit ${index}`

describe('a hundred sessions', () => {
  test('of our client over one connection to OpenSSH', {}, async () => {
    await using server = await openSshServer({ accepts })
    await using connection = await nacreConnect(server.to, login)
    const processes = await Promise.all(crowd.map(index => connection.exec(command(index))))
    const endings = await Promise.all(
      processes.map(async process => {
        await process.stdin.write(new TextEncoder().encode('gone\n'))
        return [await new Response(process.stdout).text(), await process.exited] as const
      }),
    )
    assert.deepEqual(
      endings,
      crowd.map(index => [`${index} gone\n`, { code: index }]),
    )
  })

  test('of our clients over a hundred connections to OpenSSH', {}, async () => {
    await using server = await openSshServer({ accepts })
    const connections = await Promise.all(crowd.map(() => nacreConnect(server.to, login, { signal: AbortSignal.timeout(50_000) })))
    const results = await Promise.all(connections.map((connection, index) => connection.run(command(index), { input: 'gone\n' })))
    assert.deepEqual(
      results.map(each => [each.stdout, each.code]),
      crowd.map(index => [`${index} gone\n`, index]),
    )
    await Promise.all(connections.map(each => each.close()))
  })

  test('of OpenSSH over one connection to us', {}, async () => {
    await using server = await nacreServer({ accepts, maximumSessions: 200 })
    const socket = freshPath('control')
    const main = openSshCommand({ to: server.to, login, command: undefined, options: [`ControlPath=${socket}`, 'ControlMaster=yes', '-N'] })
    await using master = await start(main.command, main.options)
    // The socket is there once the login is done.
    while ((await finish(['ssh', '-S', socket, '-O', 'check', 'none'])).code !== 0) assert.ok(!master.ended, master.log())
    const results = await Promise.all(
      crowd.map(index => finish(['ssh', '-F', 'none', '-S', socket, 'none', command(index)], { stdin: 'gone\n', name: `ssh ${index}` })),
    )
    assert.deepEqual(
      results.map(each => [each.stdout.toString(), each.code]),
      crowd.map(index => [`${index} gone\n`, index]),
    )
    assert.equal(server.connections().size, 1)
    assert.deepEqual(server.errors, [])
  })

  test('of OpenSSH over a hundred connections to us', { seconds: 90 }, async () => {
    await using server = await nacreServer({ accepts, maximumStartups: 200 })
    const results = await Promise.all(
      crowd.map(index => openSshClient.run({ to: server.to, login, command: command(index), stdin: 'gone\n', seconds: 60 })),
    )
    assert.deepEqual(
      results.map(each => [each.stdout.toString(), each.code]),
      crowd.map(index => [`${index} gone\n`, index]),
    )
    assert.deepEqual(server.errors, [])
  })
})

describe('too many', () => {
  test('sessions on one connection are refused by us, and the others go on', {}, async () => {
    await using server = await nacreServer({ accepts, maximumSessions: 2 })
    await using connection = await nacreConnect(server.to, login)
    await using one = await connection.exec('cat')
    await using two = await connection.exec('cat')
    await assert.rejects(connection.exec('cat'), { code: 'CHANNEL_OPEN_FAILED' })
    await one.stdin.end()
    assert.deepEqual(await one.exited, { code: 0 })
    assert.equal((await connection.run('echo again')).stdout, 'again\n')
    await two.stdin.end()
  })

  test('sessions on one connection are refused by OpenSSH, with its words', {}, async () => {
    await using server = await openSshServer({ accepts, config: ['MaxSessions 1'] })
    await using connection = await nacreConnect(server.to, login)
    await using one = await connection.exec('cat')
    await assert.rejects(connection.exec('cat'), { code: 'CHANNEL_OPEN_FAILED' })
    await one.stdin.end()
  })
})
