// How a session of SFTP begins: the greeting, what is said when there is none, what ends the wait.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SftpError, SftpProtocolError, TimeoutError } from '../../../src/errors.ts'
import { openSftp } from '../../../src/sftp/client/open.ts'
import { begun, errorOf, packetBytes, ScriptedServer, settled, text } from './scripted.ts'

const opened = (server: ScriptedServer): ReturnType<typeof openSftp> => {
  const opening = openSftp(server.pipe, { deadline: 0 })
  opening.catch(() => {})
  return opening
}

describe('the greeting', () => {
  test('version 3 is offered at once, and nothing else', async () => {
    const server = new ScriptedServer()
    const opening = opened(server)
    const init = await server.expect('SSH_FXP_INIT')
    assert.equal(init.body.uint32(), 3)
    assert.equal(init.body.remaining, 0)
    server.version({ 'x@example': 'data' })
    const files = await opening
    assert.equal(files.version, 3)
    assert.deepEqual([...files.extensions], [['x@example', text('data')]])
  })

  test('it may come in single bytes', async () => {
    const server = new ScriptedServer()
    const opening = opened(server)
    for (const byte of packetBytes(2, writer => {
      writer.uint32(3)
      writer.text('x@example')
      writer.text('')
    }))
      server.raw(Uint8Array.of(byte))
    assert.deepEqual([...(await opening).extensions.keys()], ['x@example'])
  })

  test('limits are asked for with the first request, and nobody waits for them', async () => {
    const { server, files } = await begun({ 'limits@openssh.com': '1' })
    assert.equal(files.limits.read, 32 * 1024)
    const stat = files.stat('/x')
    const limits = await server.expect('SSH_FXP_EXTENDED')
    const asked = await server.expect('SSH_FXP_STAT')
    server.attributes(asked.id, { size: 5 })
    assert.equal((await stat).size, 5)
    server.send('SSH_FXP_EXTENDED_REPLY', writer => {
      writer.uint32(limits.id)
      for (const limit of [262144n, 261120n, 1_000_000_000n, 0n]) writer.uint64(limit)
    })
    assert.deepEqual(await files.calls.limitsKnown, { packet: 262144, read: 261120, write: 255 * 1024, handles: undefined })
  })

  test('limits that are refused or 0 leave what every server takes', async () => {
    const { server, files } = await begun({ 'limits@openssh.com': '1' })
    server.status((await server.expect('SSH_FXP_EXTENDED')).id, 8)
    assert.deepEqual(await files.calls.limitsKnown, { packet: 34_000, read: 32768, write: 32768, handles: undefined })
  })

  test('a server of OpenSSH before 8.5 is known to take more', async () => {
    const { files } = await begun({}, { serverVersion: 'OpenSSH_7.4' })
    assert.equal(files.limits.read, 255 * 1024)
  })
})

describe('what is no greeting', () => {
  test('text of a shell that prints something is shown', async () => {
    const server = new ScriptedServer()
    const opening = opened(server)
    server.raw(text('Welcome to \x1b[1mbox\x1b[0m!\r\nsecond line\n'))
    const error = await errorOf(opening, SftpProtocolError)
    assert.equal(error.fault, 'not-sftp')
    assert.match(error.message, /"Welcome to \\x1b\[1mbox\\x1b\[0m!"/)
    assert.match(error.message, /start-up file of your shell/)
    assert.equal(server.aborted, true)
  })

  test('so is text that comes in pieces', async () => {
    const server = new ScriptedServer()
    const opening = opened(server)
    server.raw(text('He'))
    server.raw(text('llo, world\n'))
    assert.match((await errorOf(opening, SftpProtocolError)).message, /"Hello, world"/)
  })

  test('and text too short for a packet before the end', async () => {
    const server = new ScriptedServer()
    const opening = opened(server)
    server.raw(text('hm\n'))
    server.end()
    const error = await errorOf(opening, SftpError)
    assert.equal(error.status, 'connection-lost')
    assert.match(error.message, /"hm"/)
  })

  for (const [what, bytes, fault] of [
    ['another packet', packetBytes(101, writer => writer.uint32(7)), 'not-sftp'],
    ['data', packetBytes(103, writer => (writer.uint32(0), writer.string(text('x')))), 'not-sftp'],
    ['version 2', packetBytes(2, writer => writer.uint32(2)), 'version'],
    ['version 6', packetBytes(2, writer => writer.uint32(6)), 'version'],
    ['an empty packet', Uint8Array.of(0, 0, 0, 0), 'packet-too-short'],
    ['a packet of 4 GiB', Uint8Array.of(0xff, 0xff, 0xff, 0xff), 'packet-too-long'],
    ['a version cut short', packetBytes(2, writer => writer.byte(3)), 'malformed-answer'],
    ['an extension without data', packetBytes(2, writer => (writer.uint32(3), writer.text('x'))), 'malformed-answer'],
  ] as const)
    test(what, async () => {
      const server = new ScriptedServer()
      const opening = opened(server)
      server.raw(bytes)
      assert.equal((await errorOf(opening, SftpProtocolError)).fault, fault)
      assert.equal(server.aborted, true)
    })

  test('the end', async () => {
    const server = new ScriptedServer()
    const opening = opened(server)
    server.end()
    const error = await errorOf(opening, SftpError)
    assert.equal(error.code, 'SFTP_CONNECTION_LOST')
    assert.match(error.message, /before it greeted/)
  })

  test('an end with a reason, which is told', async () => {
    const server = new ScriptedServer()
    const opening = opened(server)
    server.end(new SftpError('connection-lost', 'The program ended with status 127.'))
    assert.match((await errorOf(opening, SftpError)).message, /status 127/)
  })
})

describe('the wait for the greeting', () => {
  test('ends with the signal, for its reason', async () => {
    const server = new ScriptedServer()
    const controller = new AbortController()
    const opening = openSftp(server.pipe, { deadline: 0, signal: controller.signal })
    const reason = new Error('changed my mind')
    controller.abort(reason)
    await assert.rejects(opening, reason)
    assert.equal(server.aborted, true)
  })

  test('never begins with a signal that has fired', async () => {
    const server = new ScriptedServer()
    await assert.rejects(openSftp(server.pipe, { signal: AbortSignal.abort(new Error('no')) }), { message: 'no' })
    assert.equal(server.writes, 0)
  })

  test('ends with the deadline', async () => {
    const server = new ScriptedServer()
    // Timers of the library hold up no process: this one does.
    const holding = setTimeout(() => {}, 10_000)
    const error = await errorOf(openSftp(server.pipe, { deadline: 1 }), TimeoutError)
    clearTimeout(holding)
    assert.equal(error.phase, 'sftp')
    assert.equal(server.aborted, true)
  })

  test('the signal means nothing once it has come', async () => {
    const controller = new AbortController()
    const { server, files } = await begun({}, { signal: controller.signal })
    controller.abort()
    await settled()
    assert.equal(server.aborted, false)
    const stat = files.stat('x')
    server.attributes((await server.expect('SSH_FXP_STAT')).id, { size: 1 })
    assert.equal((await stat).size, 1)
  })
})
