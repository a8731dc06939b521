// Host keys that an agent holds: a public key in a file, and OpenSSH's ssh-agent that signs.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { connectOver, credentials, memoryPair, nodeRuntime } from 'nacre'
import { createServer, password } from 'nacre/server'
import { hostKeyAgent, hostKeyAgentPath } from '../../src/sshd/host-key-agent.ts'
import { loadHostKeys } from '../../src/sshd/host-keys.ts'
import { temporaryFolder } from './world.ts'

describe('which agent', () => {
  test('a path is one, none is none, and SSH_AUTH_SOCK is the variable of that name', () => {
    assert.equal(hostKeyAgentPath('/run/agent', {}), '/run/agent')
    assert.equal(hostKeyAgentPath('none', { SSH_AUTH_SOCK: '/run/agent' }), undefined)
    assert.equal(hostKeyAgentPath('SSH_AUTH_SOCK', { SSH_AUTH_SOCK: '/run/agent' }), '/run/agent')
    assert.throws(() => hostKeyAgentPath('SSH_AUTH_SOCK', {}), /that variable is not set/)
  })
})

const there = existsSync('/usr/bin/ssh-agent') && existsSync('/usr/bin/ssh-keygen')

describe('keys of ssh-agent', { skip: !there && 'there is no ssh-agent' }, () => {
  const folder = temporaryFolder()
  const socket = join(folder.path, 'agent')
  const key = join(folder.path, 'key')
  const agent = there ? spawn('/usr/bin/ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' }) : undefined
  after(async () => {
    agent?.kill()
    if (agent?.exitCode === null) await once(agent, 'exit')
    folder[Symbol.dispose]()
  })
  const ready = async (): Promise<void> => {
    for (let tries = 0; tries < 200 && !existsSync(socket); tries++) await delay(20)
    if (existsSync(`${key}.pub`)) return
    execFileSync('/usr/bin/ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
    execFileSync('/usr/bin/ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder.path, 'other')])
    execFileSync('/usr/bin/ssh-add', ['-q', key], { env: { SSH_AUTH_SOCK: socket }, stdio: 'ignore' })
    rmSync(key)
  }

  for (const [how, path] of [
    ['is named by its public half', `${key}.pub`],
    ['is named by where its private half was', key],
  ])
    test(`serve a key that ${how}`, async () => {
      await ready()
      const { keys, warnings } = await loadHostKeys([path], 2048, [], hostKeyAgent(socket, 2048))
      assert.deepEqual([keys.length, warnings], [1, []])
      const server = createServer({ hostKeys: keys, authenticate: password(() => ({})), session: {} })
      const [ours, theirs] = memoryPair()
      server.accept(theirs)
      const seen: string[] = []
      const client = await connectOver(
        ours,
        {
          user: 'ada',
          host: 'test',
          port: 22,
          hostKey: ({ key: shown }) => void seen.push(shown.fingerprint()),
          identities: credentials({ password: 'x' }),
        },
        nodeRuntime(),
      )
      await client.close()
      await server.close()
      assert.deepEqual(seen, [keys[0].publicKey.fingerprint()])
    })
  test('are not used when the agent lacks them, with a word that names both', async () => {
    await ready()
    const other = join(folder.path, 'other')
    const only = [`${other}.pub`]
    await assert.rejects(
      loadHostKeys(only, 2048, [], hostKeyAgent(socket, 2048)),
      /the agent at \S+ does not hold the key that \S+other\.pub names/,
    )
    await assert.rejects(loadHostKeys(only, 2048, [], hostKeyAgent(join(folder.path, 'nobody'), 2048)), /agent/)
    const { keys } = await loadHostKeys([other], 2048, [], hostKeyAgent(join(folder.path, 'nobody'), 2048))
    assert.equal(keys.length, 1)
  })
})
