// With whose rights sshd listens and connects: those of the login, also when it runs as root. Where a rule is the system's own the
// test asks the system, and needs root for that.
import assert from 'node:assert/strict'
import { chmodSync, chownSync, existsSync, mkdirSync, statSync, symlinkSync, renameSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { describe, it } from 'node:test'
import { type ConnectError, ForwardError } from 'nacre'
import { type LocalSockets, nodeSockets } from 'nacre/server'
import type { Account } from '../../src/sshd/account.ts'
import { accountSockets } from '../../src/sshd/forward-sockets.ts'
import { accountAt, temporaryFolder } from './world.ts'

const root = process.geteuid?.() === 0
const skip = root ? false : 'only root can become another user'
/** Nobody's number, and no name the system knows groups of. */
const uid = 54_321
const stranger: Account = { ...accountAt('/'), name: 'nobody-of-that-name', uid, gid: uid }

const nothing = (): void => {}

/** A folder of the stranger's own in one he can pass through. */
const world = () => {
  const folder = temporaryFolder()
  chmodSync(folder.path, 0o711)
  const own = `${folder.path}/own`
  mkdirSync(own)
  chownSync(own, uid, uid)
  return { path: folder.path, own, [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

const listeningAt = async (path: string, mode: number): Promise<Server & Disposable> => {
  const server = createServer(socket => socket.end('inside'))
  await new Promise<void>(resolve => server.listen(path, resolve))
  chmodSync(path, mode)
  return Object.assign(server, { [Symbol.dispose]: () => void server.close() })
}

describe('a Unix socket that sshd listens on for a login', () => {
  it('is the login’s, with the mask that was asked for', { skip }, async () => {
    using at = world()
    const listening = await accountSockets(stranger, nodeSockets()).listen({ path: `${at.own}/s` }, { mask: 0o117 }, nothing)
    const { uid: owner, gid, mode } = statSync(`${at.own}/s`)
    assert.deepEqual([owner, gid, mode & 0o777], [uid, uid, 0o660])
    assert.equal(process.geteuid?.(), 0)
    await listening.close()
    assert.equal(existsSync(`${at.own}/s`), false)
  })

  it('cannot be where the login may not write', { skip }, async () => {
    using at = world()
    await assert.rejects(accountSockets(stranger, nodeSockets()).listen({ path: `${at.path}/s` }, {}, nothing), (error: ForwardError) => {
      assert.equal(error.code, 'FORWARD_LISTEN')
      assert.match(error.message, /EACCES/)
      return true
    })
    assert.equal(existsSync(`${at.path}/s`), false)
    assert.equal(process.geteuid?.(), 0)
  })

  it('takes no other’s place', { skip }, async () => {
    using at = world()
    using other = await listeningAt(`${at.path}/s`, 0o777)
    const asked = accountSockets(stranger, nodeSockets()).listen({ path: `${at.path}/s` }, { unlink: true }, nothing)
    await assert.rejects(asked, ForwardError)
    assert.equal(other.listening && existsSync(`${at.path}/s`), true)
  })

  it('is removed with the rights of the login: what has its path by then may be another’s', { skip }, async () => {
    using at = world()
    mkdirSync(`${at.path}/secret`, { mode: 0o755 })
    writeFileSync(`${at.path}/secret/s`, 'of root')
    mkdirSync(`${at.own}/here`)
    chownSync(`${at.own}/here`, uid, uid)
    const listening = await accountSockets(stranger, nodeSockets()).listen({ path: `${at.own}/here/s` }, {}, nothing)
    renameSync(`${at.own}/here`, `${at.own}/there`)
    symlinkSync(`${at.path}/secret`, `${at.own}/here`)
    await listening.close()
    assert.equal(existsSync(`${at.path}/secret/s`), true)
  })
})

describe('a Unix socket that sshd connects to for a login', () => {
  it('must be one the login may connect to', { skip }, async () => {
    using at = world()
    using _open = await listeningAt(`${at.path}/open`, 0o777)
    using _shut = await listeningAt(`${at.path}/shut`, 0o700)
    const sockets = accountSockets(stranger, nodeSockets())
    const connection = await sockets.connect({ path: `${at.path}/open` })
    assert.equal(Buffer.from((await connection.read()) ?? []).toString(), 'inside')
    connection.discard()
    await assert.rejects(sockets.connect({ path: `${at.path}/shut` }), (error: ConnectError) => /EACCES/.test(error.message))
    assert.equal(process.geteuid?.(), 0)
  })
})

describe('a port', () => {
  /** Says what is listened on, and listens on nothing. */
  const recording = () => {
    const asked: unknown[] = []
    const sockets: LocalSockets = {
      connect: () => assert.fail('nobody connects'),
      async listen(place) {
        asked.push(place)
        return { place, close: async () => {} }
      },
    }
    return { asked, sockets }
  }

  it('below the first that needs no privilege is only root’s', { skip }, async () => {
    const { asked, sockets } = recording()
    const listen = (account: Account, port: number) =>
      accountSockets(account, sockets, () => 1024).listen({ host: '127.0.0.1', port }, {}, nothing)
    for (const port of [1, 80, 1023]) await assert.rejects(listen(stranger, port), /only root may, below 1024/)
    for (const port of [0, 1024, 65_535]) await listen(stranger, port)
    assert.deepEqual(
      asked,
      [0, 1024, 65_535].map(port => ({ host: '127.0.0.1', port })),
    )
    await listen({ ...stranger, uid: 0 }, 1)
    assert.equal(asked.length, 4)
  })

  it('is the system’s to give when sshd runs as the login', async () => {
    const { asked, sockets } = recording()
    await accountSockets(accountAt('/'), sockets).listen({ host: '127.0.0.1', port: 1 }, {}, nothing)
    assert.equal(asked.length, 1)
  })
})
