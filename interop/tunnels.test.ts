// Owns tunnels with OpenSSH, both roles: packets of IPv4 and IPv6 and whole frames between two hosts, who may have one, and what is
// said where one cannot be had.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { userKey } from './rig/keys.ts'
import { begun, comesThrough, type Host, needsTunnels, type Network, network, said, sshAt, sshdAt, taking } from './rig/network.ts'
import { finish, type Running } from './rig/process.ts'
import { test } from './rig/test.ts'
import { world } from './rig/world.ts'
import { nacre } from './sites/commands.ts'
import type { PeerServer } from './peers/peer.ts'
import type { OpenSshServerOptions } from './peers/openssh.ts'

const login = { key: userKey() }
const accepts = { keys: [userKey()] }

const ssh = { ours: nacre('ssh'), theirs: ['ssh'] } as const
const sshd = { ours: nacre('sshd'), theirs: ['/usr/sbin/sshd'] } as const
type Whose = keyof typeof ssh
const named = { ours: 'nacre', theirs: 'OpenSSH' } as const

/** With devices that were made for the login beforehand: it may make none itself. */
const server = async (at: Host, whose: Whose, options: Partial<OpenSshServerOptions> = {}): Promise<PeerServer> => {
  for (const name of ['tun1', 'tun3', 'tun6', 'tap6'])
    at.ip('tuntap', 'add', 'dev', name, 'mode', name.slice(0, 3), 'user', String(world().uid))
  // Elsewhere everybody may open it, and needs a right for what comes then.
  const before = 'mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200'
  return await sshdAt(at, `${named[whose]} sshd`, sshd[whose], { accepts, config: ['PermitTunnel yes'], before, ...options })
}

const request = (to: PeerServer['to'], options: readonly string[], command: string) => ({
  to,
  login,
  command,
  options,
})

/** A client that says "up" once it is logged in, and stays. */
const client = async (at: Host, whose: Whose, to: PeerServer['to'], options: readonly string[]): Promise<Running> => {
  const running = await begun(sshAt(at, `${named[whose]} ssh`, ssh[whose], request(to, options, 'echo "up<$SSH_TUNNEL>"; cat')))
  await said(running, 'up<')
  return running
}

const addresses = (at: Host, device: string, number: number): void => {
  at.ip('address', 'add', `10.99.0.${number}/24`, 'dev', device)
  at.ip('address', 'add', `fd00:99::${number}/64`, 'dev', device, 'nodad')
  at.ip('link', 'set', device, 'up')
}

/** Bytes over TCP, both addresses, both ways. */
const carries = async ({ near, far }: Network, ours: string, theirs: string): Promise<void> => {
  addresses(near, ours, 1)
  addresses(far, theirs, 2)
  for (const [from, to, address] of [
    [near, far, '10.99.0.2'],
    [far, near, '10.99.0.1'],
    [near, far, 'fd00:99::2'],
  ] as const) {
    await using _taker = await taking(to, address, 7777)
    assert.equal(await comesThrough(from, address, 7777, 1_000_000), 'same', address)
  }
}

const devicesOf = async (at: Host): Promise<readonly string[]> => {
  const { stdout } = await finish(at.enter(['ip', '-brief', 'link']))
  return [...stdout.toString().matchAll(/^((?:tun|tap)\d+)/gm)].map(([, name]) => name)
}

describe('a tunnel', { skip: needsTunnels(), concurrency: 3 }, () => {
  for (const [near, far] of [
    ['ours', 'theirs'],
    ['theirs', 'ours'],
    ['ours', 'ours'],
  ] as const) {
    test(`${named[near]} ssh -w to ${named[far]} sshd: packets`, {}, async () => {
      await using at = await network()
      await using there = await server(at.far, far)
      await using running = await client(at.near, near, there.to, ['-w5:6'])
      await carries(at, 'tun5', 'tun6')
      assert.match(running.log(), /^up<tun6>$/m)
      running.kill('SIGTERM')
      await running.exited
      assert.deepEqual(await devicesOf(at.near), [], 'the device goes with the client')
    })
    test(`${named[near]} ssh to ${named[far]} sshd: frames, of any device here`, {}, async () => {
      await using at = await network()
      await using there = await server(at.far, far, { config: ['PermitTunnel ethernet'] })
      await using _client = await client(at.near, near, there.to, ['Tunnel=ethernet', 'TunnelDevice=any:6'])
      await carries(at, 'tap0', 'tap6')
    })
  }

  test('is there before the command of LocalCommand, which is told its name', {}, async () => {
    await using at = await network()
    await using there = await server(at.far, 'theirs')
    const options = ['-w7:6', 'PermitLocalCommand=yes', 'LocalCommand=echo local %T']
    await using running = await client(at.near, 'ours', there.to, options)
    await said(running, 'local tun7')
  })

  for (const whose of ['ours', 'theirs'] as const) {
    const allowed = async (options: Partial<OpenSshServerOptions>, words: readonly string[]): Promise<boolean> => {
      await using at = await network()
      await using there = await server(at.far, whose, options)
      const asked = request(there.to, [...words, 'ExitOnForwardFailure=yes'], 'echo up')
      await using running = await begun(sshAt(at.near, 'nacre ssh', ssh.ours, asked))
      // As with OpenSSH's, a tunnel outlives the command.
      const outcome = await Promise.race([said(running, 'up').then(() => true), running.exited.then(() => false)])
      if (!outcome) assert.match(running.log(), /Could not request tunnel forwarding: The server made no tunnel/)
      return outcome
    }
    const key = (options: string): Partial<OpenSshServerOptions> => ({
      accepts: { keys: [{ ...userKey(), line: `${options} ${userKey().line}` }] },
    })
    test(`${named[whose]} sshd gives it to whom it may`, { seconds: 120 }, async () => {
      for (const [options, words, may] of [
        [{ config: ['PermitTunnel no'] }, ['-w1:1'], false],
        [{ config: ['PermitTunnel ethernet'] }, ['-w1:1'], false],
        [{ config: ['PermitTunnel point-to-point'] }, ['-w1:1'], true],
        // Debian's does not look at this, nor at restrict; later ones do.
        [{ config: ['PermitTunnel yes', 'DisableForwarding yes'] }, ['-w1:1'], whose === 'theirs'],
        [key('tunnel="3"'), ['-w1:1'], false],
        [key('tunnel="3"'), ['-w1:3'], true],
        [key('tunnel="3"'), ['-w1:any'], true],
        [{}, ['-w1:2'], false],
        [key('restrict,pty,port-forwarding'), ['-w1:1'], whose === 'theirs'],
        [key('no-port-forwarding'), ['-w1:1'], true],
      ] as const)
        assert.equal(
          await allowed(options, words),
          may,
          JSON.stringify([options.config, options.accepts?.keys?.[0]?.line.slice(0, 30), words]),
        )
    })
  }
})
