// Owns what only two hosts show: who reaches what is listened on, from which address a client comes, what becomes of a peer that is cut
// off, frames that are lost, a network of IPv6 alone. Both roles, OpenSSH at the other end.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import type { OpenSshServerOptions } from './peers/openssh.ts'
import type { PeerServer } from './peers/peer.ts'
import { sha256 } from './rig/bytes.ts'
import { userKey } from './rig/keys.ts'
import { freePort } from './rig/port.ts'
import {
  begun,
  comesThrough,
  giving,
  type Host,
  needsHosts,
  needsTunnels,
  network,
  said,
  sshAt,
  sshdAt,
  taking,
  waiting,
} from './rig/network.ts'
import { finish, type Running, withinSeconds } from './rig/process.ts'
import { pause } from './rig/services.ts'
import { test } from './rig/test.ts'
import { nacre } from './sites/commands.ts'

const login = { key: userKey() }
const accepts = { keys: [userKey()] }

const ssh = { ours: nacre('ssh'), theirs: ['ssh'] } as const
const sshd = { ours: nacre('sshd'), theirs: ['/usr/sbin/sshd'] } as const
type Whose = keyof typeof ssh
const named = { ours: 'nacre', theirs: 'OpenSSH' } as const
/** A client and a server, one of them ours. */
const pairs = [
  ['ours', 'theirs'],
  ['theirs', 'ours'],
] as const
const nameOf = ([client, server]: readonly [Whose, Whose]): string => `${named[client]} ssh to ${named[server]} sshd`

const serverAt = (at: Host, whose: Whose, options: Partial<OpenSshServerOptions> = {}, address?: string): Promise<PeerServer> =>
  sshdAt(at, `${named[whose]} sshd`, sshd[whose], { accepts, ...options }, address)

/** A client that is logged in, and stays. Letters and what follows them are one word. */
const clientAt = async (
  at: Host,
  whose: Whose,
  to: PeerServer['to'],
  options: readonly string[],
  command = 'echo up; cat',
): Promise<Running> => {
  const running = await begun(sshAt(at, `${named[whose]} ssh`, ssh[whose], { to, login, command, options }))
  await said(running, 'up')
  return running
}

/** What a command writes that is run there and ends; if nothing, what the client says of it. */
const outputAt = async (at: Host, whose: Whose, to: PeerServer['to'], options: readonly string[], command: string): Promise<Buffer> => {
  const prepared = sshAt(at, `${named[whose]} ssh`, ssh[whose], { to, login, command, options })
  const { stdout, stderr } = await finish(prepared.command, { ...prepared.options, stdin: '', seconds: 60 })
  return stdout.length === 0 ? Buffer.from(stderr) : stdout
}
const runAt = async (...given: Parameters<typeof outputAt>): Promise<string> => (await outputAt(...given)).toString().trim()

const listensAt = async (at: Host, port: number): Promise<boolean> => {
  const { stdout } = await finish(at.enter(['cat', '/proc/net/tcp', '/proc/net/tcp6']))
  const hexadecimal = port.toString(16).toUpperCase().padStart(4, '0')
  return new RegExp(`:${hexadecimal} [0-9A-F]+:0000 0A`).test(stdout.toString())
}
const listens = async (at: Host, port: number, wanted: boolean, seconds = 10): Promise<void> =>
  await withinSeconds(
    seconds,
    (async () => {
      while ((await listensAt(at, port)) !== wanted) await pause(50)
    })(),
    () => `port ${port} is ${wanted ? 'not ' : ''}listened on`,
  )

/** Each loss may cost a second, and there are many. */
const lossyBytes = 400_000

const refusedOr = (answer: string): string => (/refused/i.test(answer) ? 'refused' : answer)

// Most of their time they wait.
describe('two hosts', { skip: needsHosts(), concurrency: 4 }, () => {
  for (const pair of pairs) {
    const [client, server] = pair
    test(`${nameOf(pair)}: who comes to what the client listens on`, {}, async () => {
      await using at = await network()
      await using there = await serverAt(at.far, server)
      await using _taker = await taking(at.far, '127.0.0.1', 7000)
      const [usual, all, one] = [await freePort(), await freePort(), await freePort()]
      const forward = (listen: string): string => `-L${listen}:127.0.0.1:7000`
      await using _client = await clientAt(at.near, client, there.to, [
        forward(`${usual}`),
        forward(`*:${all}`),
        forward(`${at.near.v4}:${one}`),
      ])
      assert.equal(await comesThrough(at.near, '127.0.0.1', usual), 'same')
      assert.equal(refusedOr(await giving(at.far, at.near.v4, usual)), 'refused')
      assert.equal(await comesThrough(at.far, at.near.v4, all), 'same')
      assert.equal(await comesThrough(at.far, at.near.v6, all), 'same')
      assert.equal(await comesThrough(at.far, at.near.v4, one), 'same')
      assert.equal(refusedOr(await giving(at.near, '127.0.0.1', one)), 'refused')
    })

    test(`${nameOf(pair)}: who comes to what the server listens on, by GatewayPorts`, {}, async () => {
      await using at = await network()
      await using _taker = await taking(at.near, '127.0.0.1', 7000)
      for (const [gateway, listen, reached] of [
        ['no', '*', false],
        ['yes', '', true],
        ['clientspecified', at.far.v4, true],
        ['clientspecified', '127.0.0.1', false],
      ] as const) {
        await using there = await serverAt(at.far, server, { config: [`GatewayPorts ${gateway}`] })
        const port = await freePort()
        const words = [`-R${listen === '' ? '' : `${listen}:`}${port}:127.0.0.1:7000`]
        await using _client = await clientAt(at.near, client, there.to, words)
        await listens(at.far, port, true)
        assert.equal(refusedOr(await giving(at.near, at.far.v4, port)), reached ? 'same' : 'refused', `${gateway} ${listen}`)
      }
    })

    test(`${nameOf(pair)}: the client comes from the address it is told to`, {}, async () => {
      await using at = await network()
      at.near.ip('address', 'add', '10.87.0.77/24', 'dev', at.near.device)
      await using there = await serverAt(at.far, server)
      const from = async (...options: readonly string[]): Promise<string> =>
        (await runAt(at.near, client, there.to, options, 'echo $SSH_CONNECTION')).split(' ')[0]
      assert.equal(await from('-b10.87.0.77'), '10.87.0.77')
      assert.equal(await from('BindAddress=10.87.0.77'), '10.87.0.77')
      assert.equal(await from(`-B${at.near.device}`), '10.87.0.1')
      assert.equal(await from(), '10.87.0.1')
      assert.match(await runAt(at.near, client, there.to, ['-b10.87.0.78'], 'true'), /10\.87\.0\.78|assign|bind/i)
    })

    test(`${nameOf(pair)}: a host with IPv6 alone`, {}, async () => {
      await using at = await network({ only6: true })
      await using there = await serverAt(at.far, server, {}, at.far.v6)
      await using _taker = await taking(at.far, '::1', 7000)
      const [port, far] = [await freePort(), await freePort()]
      await using _near = await taking(at.near, '::1', 7001)
      await using client6 = await clientAt(
        at.near,
        client,
        there.to,
        [`-L[::1]:${port}:[::1]:7000`, `-R[::1]:${far}:[::1]:7001`],
        'echo $SSH_CONNECTION; echo up; cat',
      )
      assert.match(client6.log(), /^fd00:87::1 \d+ fd00:87::2 \d+$/m)
      assert.equal(await comesThrough(at.near, '::1', port), 'same')
      assert.equal(await comesThrough(at.far, '::1', far), 'same')
    })

    test(`${nameOf(pair)}: a peer that is cut off is noticed, and nothing is left behind`, {}, async () => {
      await using at = await network()
      await using there = await serverAt(at.far, server, { config: ['ClientAliveInterval 1', 'ClientAliveCountMax 2'] })
      await using _there = await taking(at.far, '127.0.0.1', 7000)
      await using _here = await taking(at.near, '127.0.0.1', 7000)
      const [local, remote] = [await freePort(), await freePort()]
      const words = [`-L${local}:127.0.0.1:7000`, `-R${remote}:127.0.0.1:7000`, 'ServerAliveInterval=1', 'ServerAliveCountMax=2']
      await using running = await clientAt(at.near, client, there.to, words, 'echo up; exec sleep 1000')
      await listens(at.far, remote, true)
      await using near = await waiting(at.near, '127.0.0.1', local)
      await using far = await waiting(at.far, '127.0.0.1', remote)
      const sleeping = (): boolean => there.process.descendants().length > 0
      assert.ok(sleeping(), 'the session runs')
      at.near.ip('link', 'set', at.near.device, 'down')
      const { code } = await withinSeconds(15, running.exited, () => `the client goes on\n${running.log()}`)
      assert.equal(code, 255)
      await said(near, 'ended')
      await said(far, 'ended')
      await listens(at.far, remote, false)
      await withinSeconds(
        10,
        (async () => {
          while (sleeping()) await pause(50)
        })(),
        () => 'the session goes on at the server',
      )
      // It serves the next one.
      at.near.ip('link', 'set', at.near.device, 'up')
      assert.equal(await runAt(at.near, client, there.to, [], 'echo again'), 'again')
    })

    test(
      `${nameOf(pair)}: over a wire that loses frames all comes as it was, rekeys between`,
      { skip: needsTunnels(), seconds: 90 },
      async () => {
        await using at = await network({ lost: 0.05 })
        await using there = await serverAt(at.far, server)
        await using _there = await taking(at.far, '127.0.0.1', 7000)
        await using _here = await taking(at.near, '127.0.0.1', 7000)
        const [local, remote] = [await freePort(), await freePort()]
        const words = [`-L${local}:127.0.0.1:7000`, `-R${remote}:127.0.0.1:7000`, 'RekeyLimit=100K']
        await using _client = await clientAt(at.near, client, there.to, words)
        await listens(at.far, remote, true)
        const [up, down, bulk] = await Promise.all([
          comesThrough(at.near, '127.0.0.1', local, lossyBytes),
          comesThrough(at.far, '127.0.0.1', remote, lossyBytes),
          outputAt(at.near, client, there.to, ['RekeyLimit=100K'], `head -c ${lossyBytes} /dev/zero`),
        ])
        assert.deepEqual([up, down], ['same', 'same'])
        assert.equal(sha256(bulk), sha256(Buffer.alloc(lossyBytes)))
      },
    )
  }
})
