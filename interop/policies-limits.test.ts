// Owns policies of sshd_config that show over time or by what is lent: places and times for logins, clients that fall silent, host
// keys in an agent, agents and displays. Each is asked of OpenSSH's sshd and of ours, by OpenSSH's ssh, and both must do the same.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { describe } from 'node:test'
import { openSshClient, openSshCommand, openSshServer, type OpenSshServerOptions } from './peers/openssh.ts'
import type { PeerServer } from './peers/peer.ts'
import { freshFile, freshPath } from './rig/folder.ts'
import { hostKey, newKey, userKey } from './rig/keys.ts'
import { finish, type Running, start, withinSeconds } from './rig/process.ts'
import { test } from './rig/test.ts'
import { world } from './rig/world.ts'
import { nacreSshd } from './sites/commands.ts'

const key = userKey()
const login = { key }
const begin: Readonly<Record<string, (options: OpenSshServerOptions) => Promise<PeerServer>>> = {
  OpenSSH: openSshServer,
  nacre: options => nacreSshd({ ...options, config: [...(options.config ?? []), 'PerSourcePenalties no'] }),
}
const { password } = world()
const accepts = { keys: [key], ...(password === undefined ? {} : { password }) }

const until = async (what: () => boolean, said: () => string, seconds = 15): Promise<void> => {
  for (let turn = 0; !what(); turn++) {
    assert.ok(turn < seconds * 40, said())
    await new Promise(resolve => setTimeout(resolve, 25))
  }
}

/** An ssh that has made keys with the server, and whose person takes very long to answer. */
const hesitating = async (server: PeerServer): Promise<Running> => {
  const { command, options } = openSshCommand({ to: server.to, login: { password: 'x' }, command: 'true', options: ['LogLevel=DEBUG1'] })
  const slow = freshFile('askpass.sh', '#!/bin/sh\nexec sleep 100\n', 0o700)
  const ssh = await start(command, { ...options, env: { ...options?.env, SSH_ASKPASS: slow } })
  await until(
    () => ssh.ended || /Next authentication method: password/.test(ssh.log()),
    () => `nobody was asked\n${ssh.log()}`,
  )
  return ssh
}
const enters = async (server: PeerServer): Promise<boolean> =>
  (await openSshClient.run({ to: server.to, login, command: 'true' })).code === 0

const passwordless = password === undefined ? 'nobody has a password here' : false

describe('places and times for logins, at both servers', { concurrency: 2 }, () => {
  for (const [name, server] of Object.entries(begin)) {
    test(`${name}: MaxStartups turns away whoever comes while all places are taken, and nobody after`, { skip: passwordless }, async () => {
      await using it = await server({ accepts, config: ['MaxStartups 2'] })
      {
        await using one = await hesitating(it)
        await using two = await hesitating(it)
        assert.deepEqual([one.ended, two.ended, await enters(it)], [false, false, false], it.process.log())
      }
      const deadline = Date.now() + 10_000
      while (!(await enters(it))) assert.ok(Date.now() < deadline, `nobody gets in again\n${it.process.log()}`)
    })

    test(`${name}: MaxStartups counts nobody who has logged in`, {}, async () => {
      await using it = await server({ accepts, config: ['MaxStartups 1'] })
      const { command, options } = openSshCommand({ to: it.to, login, command: 'echo in; exec sleep 100' })
      await using first = await start(command, { ...options, logStdout: true })
      await until(
        () => first.log().includes('in\n'),
        () => first.log(),
      )
      assert.ok(await enters(it), it.process.log())
    })

    test(`${name}: LoginGraceTime ends a login that takes longer, and none that is done`, {}, async () => {
      await using it = await server({ accepts, config: ['LoginGraceTime 3'] })
      const late = connect(it.to.port, '127.0.0.1')
      late.on('error', () => {})
      late.write('SSH-2.0-Slow_1.0\r\n')
      late.resume()
      const gone = once(late, 'close')
      const done = openSshClient.run({ to: it.to, login, command: 'sleep 5; echo done' })
      await withinSeconds(15, gone, () => `nobody ended it\n${it.process.log()}`)
      assert.equal((await done).stdout.toString(), 'done\n')
    })

    test(`${name}: ClientAlive ends a client that has fallen silent, and says so in the same words`, {}, async () => {
      await using it = await server({ accepts, config: ['ClientAliveInterval 1', 'ClientAliveCountMax 2'] })
      const { command, options } = openSshCommand({ to: it.to, login, command: 'echo in; exec sleep 100' })
      await using client = await start(command, { ...options, logStdout: true })
      await until(
        () => client.log().includes('in\n'),
        () => client.log(),
      )
      client.kill('SIGSTOP')
      await until(
        () => /Timeout, client not responding from user \S+ 127\.0\.0\.1 port \d+/.test(it.process.log()),
        () => it.process.log(),
      )
      client.kill('SIGCONT')
      const { code } = await withinSeconds(15, client.exited, () => 'the client does not notice')
      assert.equal(code, 255)
    })

    test(`${name}: HostKeyAgent signs with a host key whose file is public only`, {}, async () => {
      const socket = freshPath('agent')
      await using agent = await start(['ssh-agent', '-D', '-a', socket], { name: 'ssh-agent' })
      await until(
        () => existsSync(socket),
        () => agent.log(),
      )
      const host = newKey('ed25519')
      const added = await finish(['ssh-add', '-q', host.path], { env: { SSH_AUTH_SOCK: socket } })
      assert.equal(added.code, 0, added.stderr)
      const publicOnly = { ...host, path: freshFile('host_key.pub', `${host.line}\n`, 0o644) }
      await using it = await server({ accepts, config: [`HostKeyAgent ${socket}`], hostKeys: [publicOnly] })
      assert.ok(await enters(it), it.process.log())
      const { code, stderr } = await openSshClient.run({ to: { ...it.to, hostKeys: [hostKey().line] }, login, command: 'true' })
      assert.deepEqual([code, /HOST IDENTIFICATION HAS CHANGED/.test(stderr)], [255, true], 'it is the key of the agent')
    })
  }
})

// ── what is lent ────────────────────────────────────────────────────────────────────────────────────────────────────

interface Lent {
  readonly config?: readonly string[]
  readonly options?: string
  readonly agent: boolean
  readonly display: boolean
}

const lent: readonly Lent[] = [
  { agent: true, display: true },
  { config: ['AllowAgentForwarding no'], agent: false, display: true },
  { config: ['X11Forwarding no'], agent: true, display: false },
  { config: ['DisableForwarding yes'], agent: false, display: false },
  {
    config: ['DisableForwarding yes', 'AllowAgentForwarding yes'],
    options: 'agent-forwarding,X11-forwarding',
    agent: false,
    display: false,
  },
  { options: 'no-agent-forwarding', agent: false, display: true },
  { options: 'no-X11-forwarding', agent: true, display: false },
  { options: 'restrict', agent: false, display: false },
  { options: 'restrict,agent-forwarding', agent: true, display: false },
  { options: 'restrict,X11-forwarding', agent: false, display: true },
  { config: [`Match User ${world().user}`, 'AllowAgentForwarding no', 'X11Forwarding no'], agent: false, display: false },
  { config: ['Match User other', 'AllowAgentForwarding no', 'X11Forwarding no'], agent: true, display: true },
]

describe('agents and displays, at both servers', { concurrency: 2 }, () => {
  for (const { config = [], options = '', agent, display } of lent)
    test(
      `${[...config, options].filter(each => each !== '').join(', ') || 'as it is'}: agent ${agent}, display ${display}`,
      {},
      async () => {
        const socket = freshPath('agent')
        await using running = await start(['ssh-agent', '-D', '-a', socket], { name: 'ssh-agent' })
        await until(
          () => existsSync(socket),
          () => running.log(),
        )
        const blocks = config[0]?.startsWith('Match ') === true ? config : []
        const lines = blocks.length > 0 ? [] : config
        for (const [name, server] of Object.entries(begin)) {
          const keys = [{ ...key, line: `${options}${options === '' ? '' : ' '}${key.line}` }]
          await using it = await server({ accepts: { keys }, config: [...lines, 'X11Forwarding yes'], blocks })
          const request = {
            to: it.to,
            login,
            command: 'echo ${SSH_AUTH_SOCK:+agent} ${DISPLAY:+display}',
            options: ['ForwardAgent=yes', 'ForwardX11=yes', 'ForwardX11Trusted=yes'],
          }
          const { command, options: more } = openSshCommand(request)
          const { stdout, stderr } = await finish(command, {
            ...more,
            env: { ...more?.env, SSH_AUTH_SOCK: socket, DISPLAY: '127.0.0.1:77' },
          })
          const said = stdout.toString().trim().split(' ')
          assert.deepEqual(
            { agent: said.includes('agent'), display: said.includes('display') },
            { agent, display },
            `${name}: ${stdout.toString()}\n${stderr}\n${it.process.log()}`,
          )
        }
      },
    )
})
