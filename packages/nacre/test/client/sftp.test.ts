// SFTP over a connection: how it is started, what is said when it cannot be, and how its end and the connection's are told.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SftpError, SftpProtocolError } from '../../src/errors.ts'
import { memoryFiles } from '../../src/sftp/files/memory.ts'
import { sftpServer } from '../../src/sftp/server/serve-web.ts'
import { joined, quiet } from '../io/fixtures.ts'

const reasonOf = async (work: Promise<unknown>): Promise<SftpError> => {
  try {
    await work
  } catch (error) {
    if (error instanceof SftpError) return error
    throw error
  }
  throw new Error('it did not reject')
}

describe('connection.sftp()', () => {
  it('gives files, and leaves the connection when it is closed', async () => {
    await using at = await joined({ subsystems: { sftp: sftpServer(memoryFiles()) } })
    {
      await using files = await at.client.sftp()
      await files.writeFile('/f', 'over SSH')
      assert.equal(await files.readFile('/f', { encoding: 'utf-8' }), 'over SSH')
      assert.match(files.serverVersion, /^nacre/)
    }
    await using again = await at.client.sftp()
    assert.equal(await again.exists('/f'), true)
  })

  it('over a subsystem of another name, or a command', async () => {
    const serve = sftpServer(memoryFiles())
    await using at = await joined({ subsystems: { mine: serve }, exec: async session => await serve(session) })
    await using mine = await at.client.sftp({ subsystem: 'mine' })
    await mine.mkdir('/d')
    await using other = await at.client.sftp({ command: ['serve', 'files'] })
    assert.equal(await other.exists('/d'), true)
  })

  it('says that the server has none', async () => {
    await using at = await joined({ exec: () => 0 })
    const error = await reasonOf(at.client.sftp())
    assert.deepEqual([error.status, error.operation], ['no-connection', 'start SFTP'])
    assert.match(error.message, /refused the subsystem "sftp"/)
    assert.equal((await at.client.run('still there')).code, 0)
  })

  it('says how a program ended that is no server of SFTP, and what it said', async () => {
    await using at = await joined({
      async exec(session) {
        await session.stderr.write('first\nbash: line 1: sftp-serv\x1ber: command not found\n')
        return 127
      },
    })
    const error = await reasonOf(at.client.sftp({ command: 'sftp-server' }))
    assert.equal(error.status, 'connection-lost')
    assert.match(
      error.message,
      /ended with status 127 and said "bash: line 1: sftp-serv\\x1ber: command not found"\. The program was not found/,
    )
  })

  it('says so of one that was killed', async () => {
    await using at = await joined({ exec: () => ({ signal: 'KILL', coreDumped: false, message: '' }) })
    assert.match((await reasonOf(at.client.sftp({ command: 'x' }))).message, /ended by signal KILL/)
  })

  it('shows what a start-up file prints', async () => {
    await using at = await joined({
      async exec(session) {
        await session.stdout.write('Have a nice day!\n')
        await new Promise(resolve => session.signal.addEventListener('abort', resolve))
      },
    })
    await assert.rejects(
      at.client.sftp({ command: 'x' }),
      (error: unknown) => error instanceof SftpProtocolError && /Have a nice day/.test(error.message),
    )
  })

  it('gives up with the signal, and only until it is there', async () => {
    await using at = await joined({
      subsystems: { sftp: sftpServer(memoryFiles()) },
      exec: async session => await new Promise(resolve => session.signal.addEventListener('abort', () => resolve(0))),
    })
    await assert.rejects(at.client.sftp({ signal: AbortSignal.abort(new Error('no')) }), { message: 'no' })
    const controller = new AbortController()
    const opening = at.client.sftp({ command: 'says nothing', signal: controller.signal })
    await quiet()
    controller.abort(new Error('long enough'))
    await assert.rejects(opening, { message: 'long enough' })
    const other = new AbortController()
    await using files = await at.client.sftp({ signal: other.signal })
    other.abort()
    await quiet()
    assert.equal(await files.exists('/'), true)
  })

  it('ends with the connection', async () => {
    await using at = await joined({ subsystems: { sftp: sftpServer(memoryFiles()) } })
    const files = await at.client.sftp()
    await at.client.close()
    await files.closed
    assert.equal((await reasonOf(files.stat('/'))).status, 'connection-lost')
  })
})
