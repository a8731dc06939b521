// Owns agents at the other end of a connection, with OpenSSH in either role: listed, used to log in onward, restricted by where the way
// leads, refused where nobody permits it, and gone with the session.
import assert from 'node:assert/strict'
import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe } from 'node:test'
import { type OpenSshServerOptions, openSshServer } from './peers/openssh.ts'
import type { PeerServer } from './peers/peer.ts'
import { freshFile, freshPath } from './rig/folder.ts'
import { newKey, userKey } from './rig/keys.ts'
import { type Finished, finish, type Running, start } from './rig/process.ts'
import { test } from './rig/test.ts'
import { world } from './rig/world.ts'
import { nacre, nacreSshd } from './sites/commands.ts'

type Maker = 'OpenSSH' | 'nacre'
const clients = { OpenSSH: ['ssh'], nacre: nacre('ssh') } as const
const servers: Readonly<Record<Maker, (options: OpenSshServerOptions) => Promise<PeerServer>>> = {
  OpenSSH: openSshServer,
  nacre: nacreSshd,
}
const agents = { OpenSSH: ['ssh-agent'], nacre: nacre('ssh-agent') } as const
/** Those with one of ours at least. */
const pairs: readonly (readonly [Maker, Maker])[] = [
  ['nacre', 'OpenSSH'],
  ['OpenSSH', 'nacre'],
  ['nacre', 'nacre'],
]

interface RunningAgent extends AsyncDisposable {
  readonly socket: string
  run(command: readonly string[], env?: Record<string, string>): Promise<Finished>
}

const startAgent = async (maker: Maker = 'OpenSSH'): Promise<RunningAgent> => {
  const socket = freshPath('agent')
  const agent: Running = await start([...agents[maker], '-D', '-a', socket], { name: `${maker} ssh-agent` })
  for (let turn = 0; !existsSync(socket); turn++) {
    assert.ok(turn < 500, agent.log())
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return {
    socket,
    run: (command, env = {}) => finish(command, { env: { SSH_AUTH_SOCK: socket, ...env }, stdin: '' }),
    [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose](),
  }
}

/** The words of any ssh that log in by a key of the agent. */
const words = ({ to }: PeerServer, command: string, options: readonly string[] = []): readonly string[] => {
  const known = freshFile('known_hosts', to.hostKeys.map(line => `[${to.host}]:${to.port} ${line}\n`).join(''), 0o644)
  const settings = ['PreferredAuthentications=publickey', `UserKnownHostsFile=${known}`, 'GlobalKnownHostsFile=/dev/null']
  return [
    ...['-F', 'none', '-n', ...settings.flatMap(each => ['-o', each]), '-o', 'StrictHostKeyChecking=yes', '-o', 'IdentityFile=none'],
    ...[...options, '-p', String(to.port), `${to.user}@${to.host}`, command],
  ]
}

const key = userKey()
const accepts = { keys: [key] }
const lists = 'ssh-add -L; echo code $?'

describe('an agent that goes along', () => {
  for (const [client, server] of pairs) {
    test(`by the ssh of ${client} to the sshd of ${server}: its keys are listed, and log in onward`, {}, async () => {
      await using agent = await startAgent()
      await agent.run(['ssh-add', '-q', key.path])
      await using there = await servers[server]({ accepts })
      await using further = await openSshServer({ accepts })
      const listed = await agent.run([...clients[client], ...words(there, lists, ['-A'])])
      assert.match(listed.stdout.toString(), /^ssh-ed25519 \S+.*\ncode 0\n$/, `${listed.stderr}\n${there.process.log()}`)
      assert.ok(listed.stdout.toString().includes(key.line.split(' ')[1]))
      const onward = ['ssh', ...words(further, 'echo in')].map(word => `'${word}'`).join(' ')
      const led = await agent.run([...clients[client], ...words(there, onward, ['-A'])])
      assert.equal(led.stdout.toString(), 'in\n', `${led.stderr}\n${there.process.log()}\n${further.process.log()}`)
    })

    test(`by the ssh of ${client} to the sshd of ${server}: not unless it is asked for`, {}, async () => {
      await using agent = await startAgent()
      await agent.run(['ssh-add', '-q', key.path])
      await using there = await servers[server]({ accepts })
      for (const options of [[], ['-A', '-a'], ['-o', 'ForwardAgent=no']]) {
        const result = await agent.run([...clients[client], ...words(there, 'echo "<$SSH_AUTH_SOCK>"', options)])
        assert.equal(result.stdout.toString(), '<>\n', `${options.join(' ')} ${result.stderr}`)
      }
    })

    test(`by the ssh of ${client} to the sshd of ${server}: another one than the usual, by its path or by a variable`, {}, async () => {
      await using agent = await startAgent()
      await using other = await startAgent('nacre')
      await agent.run(['ssh-add', '-q', key.path])
      const second = newKey('ecdsa256')
      await other.run(['ssh-add', '-q', second.path])
      await using there = await servers[server]({ accepts })
      for (const value of [other.socket, '$OTHER_AGENT']) {
        const command = [...clients[client], ...words(there, lists, ['-o', `ForwardAgent=${value}`])]
        const result = await agent.run(command, { OTHER_AGENT: other.socket })
        assert.ok(result.stdout.toString().includes(second.line.split(' ')[1]), `${value}: ${result.stdout.toString()} ${result.stderr}`)
        assert.ok(!result.stdout.toString().includes(key.line.split(' ')[1]))
      }
    })
  }
})

describe('keys for certain ways only', () => {
  const [hopKey, farKey] = [newKey('ecdsa256'), newKey('ed25519')]
  const known = freshFile('known', `hop ${hopKey.line}\nfar ${farKey.line}\n`)
  for (const maker of ['OpenSSH', 'nacre'] as const) {
    for (const [client, server] of pairs) {
      test(`in the agent of ${maker}, by the ssh of ${client} to the sshd of ${server}`, {}, async () => {
        await using agent = await startAgent(maker)
        await using hop = await servers[server]({ accepts, hostKeys: [hopKey] })
        await using far = await openSshServer({ accepts, hostKeys: [farKey] })
        const onward = ['ssh', ...words(far, 'echo in')].map(word => `'${word}'`).join(' ')
        const goes = (): Promise<Finished> => agent.run([...clients[client], ...words(hop, onward, ['-A'])])
        await agent.run(['ssh-add', '-q', '-H', known, '-h', 'hop', '-h', 'hop>far', key.path])
        const led = await goes()
        assert.equal(led.stdout.toString(), 'in\n', `${led.stderr}\n${hop.process.log()}`)
        await agent.run(['ssh-add', '-q', '-H', known, '-h', 'hop', key.path])
        const stopped = await goes()
        assert.equal(stopped.code, 255, stopped.stdout.toString())
        const seen = await agent.run([...clients[client], ...words(hop, 'ssh-add -l', ['-A'])])
        assert.match(`${seen.stdout.toString()}${seen.stderr}`, /The agent has no identities/)
      })
    }
  }
})

describe('the sshd of nacre', () => {
  const socket = async (config: readonly string[], front = ''): Promise<Finished> => {
    await using agent = await startAgent()
    await agent.run(['ssh-add', '-q', key.path])
    await using there = await nacreSshd({ accepts: { keys: [{ ...key, line: `${front}${key.line}` }] }, config })
    return await agent.run(['ssh', ...words(there, 'echo "<$SSH_AUTH_SOCK>"', ['-A'])])
  }

  test('forwards none where the configuration or the key says so', {}, async () => {
    for (const [config, front] of [
      [['AllowAgentForwarding no'], ''],
      [['DisableForwarding yes'], ''],
      [[], 'no-agent-forwarding '],
      [[], 'restrict '],
    ] as const) {
      const result = await socket(config, front)
      assert.equal(result.stdout.toString(), '<>\n', `${config.join()} ${front}`)
      assert.equal(result.code, 0)
    }
    assert.match((await socket([], 'restrict,agent-forwarding ')).stdout.toString(), /^<.+>\n$/)
  })

  test('makes a socket of the user alone, and takes it away with the session', {}, async () => {
    await using agent = await startAgent()
    await agent.run(['ssh-add', '-q', key.path])
    await using there = await nacreSshd({ accepts })
    const shows = 'stat -c "%a %U" "$SSH_AUTH_SOCK" "$(dirname "$SSH_AUTH_SOCK")"; echo "$SSH_AUTH_SOCK"'
    const result = await agent.run(['ssh', ...words(there, shows, ['-A'])])
    const [own, folder, path] = result.stdout.toString().split('\n')
    assert.deepEqual([own, folder], [`600 ${world().user}`, `700 ${world().user}`], `${result.stderr}\n${there.process.log()}`)
    assert.ok(!existsSync(path), path)
    assert.ok(!existsSync(dirname(path)) || statSync(dirname(path)).isDirectory())
  })

  test('serves many connections to it at once, and each session with its own', {}, async () => {
    await using agent = await startAgent()
    await agent.run(['ssh-add', '-q', key.path])
    await using there = await nacreSshd({ accepts })
    const many = 'for i in 1 2 3 4 5 6 7 8 9 10; do ssh-add -l & done; wait'
    const both = await Promise.all([0, 1].map(() => agent.run([...clients.nacre, ...words(there, many, ['-A'])])))
    for (const { stdout, stderr } of both) assert.equal(stdout.toString().trim().split('\n').length, 10, stderr)
  })
})
