// Owns large files on their way to OpenSSH's sshd far away: how many channels they go over, what comes of those it refuses, and
// that `nacre sftp` and `nacre scp` have them too.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { describe } from 'node:test'
import { reachOptions } from './peers/copiers.ts'
import { openSshServer } from './peers/openssh.ts'
import type { PeerServer, Target } from './peers/peer.ts'
import { bytesOf, MiB, sha256 } from './rig/bytes.ts'
import { freshFile, freshFolder } from './rig/folder.ts'
import { userKey } from './rig/keys.ts'
import { finish } from './rig/process.ts'
import { test } from './rig/test.ts'
import { world } from './rig/world.ts'
import { nacreConnect } from './sites/client.ts'
import { nacre } from './sites/commands.ts'

const login = { key: userKey() }
const big = bytesOf(40 * MiB)
const oneWay = 60

/** Hands everything on, a while later. */
const carry = (from: Socket, to: Socket): void => {
  from.on('data', bytes => setTimeout(() => to.write(bytes), oneWay))
  from.on('end', () => setTimeout(() => to.end(), oneWay))
  from.on('error', () => to.destroy())
}

/** The same server at the end of a long way. */
const farFrom = async ({ to }: PeerServer): Promise<AsyncDisposable & { readonly to: Target }> => {
  const sockets = new Set<Socket>()
  const relay = createServer({ allowHalfOpen: true, noDelay: true }, near => {
    const far = connect({ host: to.host, port: to.port, allowHalfOpen: true, noDelay: true })
    for (const socket of [near, far]) sockets.add(socket)
    carry(near, far)
    carry(far, near)
  })
  await new Promise<void>(resolve => relay.listen(0, '127.0.0.1', resolve))
  const address = relay.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    to: { ...to, port },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => relay.close(resolve))
    },
  }
}

/** sshd, and how often it has started its server of files. */
const counted = async (config: readonly string[] = []): Promise<PeerServer & { starts(): number }> => {
  const log = freshFile('starts', '')
  world().give(log)
  const program = freshFile('sftp-server', `#!/bin/sh\necho >>${log}\nexec /usr/lib/openssh/sftp-server\n`, 0o755)
  const server = await openSshServer({ accepts: { keys: [userKey()] }, config: [`Subsystem sftp ${program}`, ...config] })
  return Object.assign(server, { starts: () => readFileSync(log, 'utf8').length })
}

const farFolder = (): string => {
  const path = freshFolder('far', 0o755)
  world().give(path)
  return path
}
const arrived = (path: string): void => assert.equal(sha256(readFileSync(path)), sha256(big), path)

describe('a large upload over a long way', () => {
  test('goes over several channels at once, which are closed with it', {}, async () => {
    await using server = await counted()
    await using far = await farFrom(server)
    const folder = farFolder()
    await using connection = await nacreConnect(far.to, login)
    await using files = await connection.sftp()
    await files.upload(big, `${folder}/f`)
    arrived(`${folder}/f`)
    const starts = server.starts()
    assert.ok(starts >= 1 + 5 && starts <= 8, `${starts} channels`)
    await files.upload(big, `${folder}/g`, { channels: 1 })
    arrived(`${folder}/g`)
    assert.equal(server.starts(), starts)
  })

  test('takes as many as MaxSessions allows, and asks for no more the next time', {}, async () => {
    await using server = await counted(['MaxSessions 3'])
    await using far = await farFrom(server)
    const folder = farFolder()
    await using connection = await nacreConnect(far.to, login)
    await using files = await connection.sftp()
    await files.upload(big, `${folder}/f`)
    arrived(`${folder}/f`)
    assert.equal(server.starts(), 3)
    // Two more at most: what a server is slow to close takes room until it has.
    await files.upload(big, `${folder}/g`)
    arrived(`${folder}/g`)
    assert.ok(server.starts() <= 5, `${server.starts()} channels`)
    // Nothing of it is left: there is room for others again.
    assert.equal((await connection.run('echo there')).stdout, 'there\n')
  })

  test('goes over the one there is where no other is allowed', {}, async () => {
    await using server = await counted(['MaxSessions 1'])
    await using far = await farFrom(server)
    const folder = farFolder()
    await using connection = await nacreConnect(far.to, login)
    await using files = await connection.sftp()
    await files.upload(big, `${folder}/f`)
    arrived(`${folder}/f`)
    assert.equal(server.starts(), 1)
  })

  test('near by opens none', {}, async () => {
    await using server = await counted()
    const folder = farFolder()
    await using connection = await nacreConnect(server.to, login)
    await using files = await connection.sftp()
    await files.upload(big, `${folder}/f`)
    arrived(`${folder}/f`)
    assert.equal(server.starts(), 1)
  })

  for (const program of ['sftp', 'scp'] as const)
    test(`of nacre ${program} does so too`, {}, async () => {
      await using server = await counted()
      await using far = await farFrom(server)
      const [folder, near] = [farFolder(), freshFolder('near')]
      writeFileSync(`${near}/f`, big)
      const place = `${far.to.user}@${far.to.host}:${folder}`
      const options = reachOptions(far.to, login)
      const words = program === 'sftp' ? [...options, '-b', '-', place] : [...options, `${near}/f`, `${place}/f`]
      const { code, stderr } = await finish([...nacre(program), ...words], { stdin: program === 'sftp' ? `put ${near}/f\n` : '' })
      assert.equal(code, 0, stderr)
      arrived(`${folder}/f`)
      assert.ok(server.starts() > 2, `${server.starts()} channels`)
    })
})
