// The forwards of ssh: what letters and keywords ask for at each end, what is said of what fails, and adding, cancelling and listing
// while it runs.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type ClientConnection,
  Forward,
  ForwardError,
  type ForwardRequest,
  type Place,
  type ReverseRequest,
  type SocksRequest,
} from 'nacre'
import { UsageError } from '../../src/getopt.ts'
import { readForwardTarget, readSpec } from '../../src/ssh/forward-specs.ts'
import { Forwards, startForwards } from '../../src/ssh/forwards.ts'
import { Log } from '../../src/ssh/log.ts'
import { sharedForwards } from '../../src/ssh/mux-forwards.ts'
import { readSshConfig } from '../../src/ssh/config.ts'
import { readSshCommand, type SshConfig } from '../../src/ssh/options.ts'

const settingsOf = async (...argv: readonly string[]): Promise<SshConfig> =>
  await readSshConfig(readSshCommand(['-F', 'none', ...argv, 'host']))

interface Asked {
  readonly is: 'forward' | 'socks' | 'reverse'
  readonly request: ForwardRequest & SocksRequest & ReverseRequest
}

interface Rehearsal {
  readonly asked: Asked[]
  readonly closed: Place[]
  readonly said: () => string
  readonly log: Log
  readonly connection: ClientConnection
}

/** A connection that listens wherever it is asked to, but for what `fails` names. */
const rehearsal = (fails: readonly string[] = [], level = 'INFO'): Rehearsal => {
  const asked: Asked[] = []
  const closed: Place[] = []
  let text = ''
  const take = async (is: Asked['is'], request: Asked['request']): Promise<Forward> => {
    asked.push({ is, request })
    const place = request.listen as Place
    if (fails.includes(is)) throw new ForwardError('FORWARD_LISTEN', `cannot ${is}`)
    const address = 'port' in place && place.port === 0 ? { ...place, port: 4321 } : place
    const counts = { open: 1, total: 2, refused: 0, bytesToServer: 0, bytesFromServer: 0 }
    return new Forward({ address, traffic: { counts } as never, stop: async () => void closed.push(address) })
  }
  const connection = {
    link: { ended: undefined },
    forward: (request: never) => take('forward', request),
    socks: (request: never) => take('socks', request),
    reverse: (request: never) => take('reverse', request),
  } as unknown as ClientConnection
  const environment = { stderr: { write: (more: string) => (text += more) } } as never
  return { asked, closed, said: () => text, log: new Log(environment, level), connection }
}

const places = ({ asked }: Rehearsal): readonly unknown[] => asked.map(({ is, request }) => [is, request.listen, request.to])

describe('what is asked for', () => {
  it('by -L, in every spelling', async () => {
    const at = rehearsal()
    const settings = await settingsOf(
      ...['-L', '8080:db:5432', '-L', 'localhost:8081:db:1', '-L', '*:8082:db:1', '-L', ':8083:db:1', '-L', '[::1]:8084:[2001:db8::1]:1'],
      ...['-L', '/tmp/here:db:1', '-L', '8085:/run/there', '-L', '/tmp/a:/run/b', '-L192.0.2.1:8086:db:http'],
    )
    await startForwards(at.connection, settings, at.log)
    const everybody = undefined
    assert.deepEqual(places(at), [
      ['forward', { host: 'localhost', port: 8080 }, { host: 'db', port: 5432 }],
      ['forward', { host: 'localhost', port: 8081 }, { host: 'db', port: 1 }],
      ['forward', { host: everybody, port: 8082 }, { host: 'db', port: 1 }],
      ['forward', { host: everybody, port: 8083 }, { host: 'db', port: 1 }],
      ['forward', { host: '::1', port: 8084 }, { host: '2001:db8::1', port: 1 }],
      ['forward', { path: '/tmp/here' }, { host: 'db', port: 1 }],
      ['forward', { host: 'localhost', port: 8085 }, { path: '/run/there' }],
      ['forward', { path: '/tmp/a' }, { path: '/run/b' }],
      ['forward', { host: '192.0.2.1', port: 8086 }, { host: 'db', port: 80 }],
    ])
  })

  it('by -R and -D, a -R without a target being SOCKS', async () => {
    const at = rehearsal()
    const settings = await settingsOf(
      '-R',
      '8080:db:1',
      '-R',
      '0:db:1',
      '-R',
      '*:1080',
      '-R',
      '/run/s:/tmp/t',
      '-D',
      '1080',
      '-D',
      '[::1]:1081',
    )
    await startForwards(at.connection, settings, at.log)
    assert.deepEqual(places(at), [
      ['socks', { host: 'localhost', port: 1080 }, undefined],
      ['socks', { host: '::1', port: 1081 }, undefined],
      ['reverse', { host: 'localhost', port: 8080 }, { host: 'db', port: 1 }],
      ['reverse', { host: 'localhost', port: 0 }, { host: 'db', port: 1 }],
      ['reverse', { host: undefined, port: 1080 }, 'socks'],
      ['reverse', { path: '/run/s' }, { path: '/tmp/t' }],
    ])
    assert.equal(at.said(), 'Allocated port 4321 for remote forward to db:1\r\n')
  })

  it('by keywords just the same; GatewayPorts and -g are for this end alone', async () => {
    for (const gateway of ['-oGatewayPorts=yes', '-g']) {
      const at = rehearsal()
      const settings = await settingsOf(
        gateway,
        '-oLocalForward=80 db:1',
        '-oRemoteForward=81 db:1',
        '-oDynamicForward=82',
        '-L',
        'localhost:83:db:1',
      )
      await startForwards(at.connection, settings, at.log)
      assert.deepEqual(
        at.asked.map(({ request }) => request.listen),
        [
          { host: undefined, port: 80 },
          { host: 'localhost', port: 83 },
          { host: undefined, port: 82 },
          { host: 'localhost', port: 81 },
        ],
      )
    }
  })

  it('is nothing with ClearAllForwardings', async () => {
    const at = rehearsal()
    await startForwards(at.connection, await settingsOf('-L', '1:a:1', '-R', '2:a:1', '-D', '3', '-oClearAllForwardings=yes'), at.log)
    assert.deepEqual(at.asked, [])
  })

  it('takes StreamLocalBindMask and StreamLocalBindUnlink along', async () => {
    const at = rehearsal()
    await startForwards(
      at.connection,
      await settingsOf('-L', '/s:a:1', '-oStreamLocalBindMask=0111', '-oStreamLocalBindUnlink=yes'),
      at.log,
    )
    assert.deepEqual([at.asked[0]?.request.mask, at.asked[0]?.request.unlink], [0o111, true])
  })

  it('replaces tokens in paths', async () => {
    const at = rehearsal()
    await startForwards(at.connection, await settingsOf('-l', 'ada', '-L', '/tmp/%r-%p:/run/%n'), at.log)
    assert.deepEqual(places(at), [['forward', { path: '/tmp/ada-22' }, { path: '/run/host' }]])
  })

  it('lets a remote SOCKS go where PermitRemoteOpen says', async () => {
    const verdicts = async (...rules: readonly string[]): Promise<readonly boolean[]> => {
      const at = rehearsal()
      await startForwards(at.connection, await settingsOf('-R', '1080', ...rules.map(rule => `-oPermitRemoteOpen=${rule}`)), at.log)
      const permit = at.asked[0]?.request.permit
      return [
        ['db', 5432],
        ['DB', 80],
        ['2001:db8::1', 80],
      ].map(([host, port]) => permit?.({ version: 5, host: String(host), port: Number(port) }) === true)
    }
    assert.deepEqual(await verdicts(), [true, true, true])
    assert.deepEqual(await verdicts('any'), [true, true, true])
    assert.deepEqual(await verdicts('none'), [false, false, false])
    assert.deepEqual(await verdicts('db:*'), [true, true, false])
    assert.deepEqual(await verdicts('*:80'), [false, true, true])
    assert.deepEqual(await verdicts('db:5432 [2001:db8::1]:http'), [true, false, true])
  })
})

describe('what is wrong', () => {
  it('with a specification is said before anything is connected to', async () => {
    for (const [letter, kind] of [
      ['L', 'local'],
      ['R', 'remote'],
      ['D', 'dynamic'],
    ] as const)
      for (const text of ['', 'nonsense', '1:2:3:4:5', '99999', `x:\u001b[2J`])
        await assert.rejects(
          settingsOf(`-${letter}`, text),
          (error: unknown) =>
            error instanceof UsageError &&
            error.message.startsWith(`Bad ${kind} forwarding specification '`) &&
            !error.message.includes('\u001b'),
          `${letter} ${text}`,
        )
    assert.throws(() => readSpec('local', '8080'), UsageError)
    assert.throws(() => readSpec('local', '0:db:1'), UsageError)
    assert.throws(() => readForwardTarget('db'), UsageError)
    assert.deepEqual(readForwardTarget('/run/db.sock'), { path: '/run/db.sock' })
  })

  it('with one forward leaves the others, and is said as OpenSSH says it', async () => {
    const at = rehearsal(['forward', 'reverse'])
    await startForwards(at.connection, await settingsOf('-L', '1:a:1', '-R', '2:a:1', '-R', '/s:a:1', '-D', '3'), at.log)
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(
      at.said(),
      [
        'cannot forward',
        'Could not request local forwarding.',
        'Warning: remote port forwarding failed for listen port 2: cannot reverse',
        'Warning: remote port forwarding failed for listen path /s: cannot reverse',
        '',
      ].join('\r\n'),
    )
    assert.equal(at.asked.length, 4)
  })

  it('ends all with ExitOnForwardFailure', async () => {
    for (const [fails, said] of [
      ['forward', /^cannot forward\nCould not request local forwarding\.$/],
      ['reverse', /^Error: remote port forwarding failed for listen port 2: cannot reverse$/],
    ] as const) {
      const at = rehearsal([fails])
      const settings = await settingsOf('-L', '1:a:1', '-R', '2:a:1', '-oExitOnForwardFailure=yes')
      await assert.rejects(
        startForwards(at.connection, settings, at.log),
        (error: unknown) => error instanceof Error && said.test(error.message),
      )
    }
  })
})

describe('while it runs', () => {
  it('forwards are added, listed, and cancelled by where they listen', async () => {
    const at = rehearsal()
    const forwards = new Forwards(at.connection, await settingsOf(), at.log)
    await forwards.addForward('L', '8080:db:1')
    await forwards.addForward('R', '0:db:1')
    await forwards.addForward('D', '127.0.0.1:1080')
    assert.deepEqual(forwards.describe(), [
      'local localhost:8080 -> db:1: 1 open, 2 so far',
      'remote localhost:4321 -> db:1: 1 open, 2 so far',
      'dynamic 127.0.0.1:1080 -> socks:0: 1 open, 2 so far',
    ])
    assert.equal(forwards.openConnections, 3)
    assert.equal(await forwards.cancelForward('L', '8081'), false)
    assert.equal(await forwards.cancelForward('R', '8080'), false)
    assert.equal(await forwards.cancelForward('L', 'localhost:8080'), true)
    // By the port the server chose.
    assert.equal(await forwards.cancelForward('R', '4321'), true)
    assert.deepEqual(at.closed, [
      { host: 'localhost', port: 8080 },
      { host: 'localhost', port: 4321 },
    ])
    forwards.stopListening()
    await new Promise(resolve => setImmediate(resolve))
    assert.deepEqual([at.closed.length, forwards.list()], [3, []])
  })

  it('what is typed wrong, or cannot be had, is told', async () => {
    const at = rehearsal(['forward'])
    const forwards = new Forwards(at.connection, await settingsOf(), at.log)
    await assert.rejects(forwards.addForward('L', 'nonsense'), /Bad local forwarding specification 'nonsense'/)
    await assert.rejects(forwards.addForward('L', '1:db:1'), /Port forwarding failed: cannot forward/)
    await assert.rejects(forwards.cancelForward('L', 'a:b:c'), UsageError)
    assert.deepEqual(forwards.list(), [])
  })
})

describe('what clients of a shared connection ask for', () => {
  const local = { kind: 'local', listen: { host: '', port: 8080 }, connect: { host: 'db', port: 5432 } } as const

  it('is in one list with what the letters and ~C made, whoever cancels it', async () => {
    const at = rehearsal()
    const forwards = await startForwards(at.connection, await settingsOf('-L', '8080:db:5432', '-L', '*:8081:db:1'), at.log)
    const shared = sharedForwards(forwards)
    assert.deepEqual(shared.requests, [local, { kind: 'local', listen: { host: '*', port: 8081 }, connect: { host: 'db', port: 1 } }])
    await shared.open(local)
    assert.equal(at.asked.length, 2, 'what is there already is as good')
    assert.equal(await shared.close({ ...local, connect: { host: 'db', port: 1 } }), false)
    assert.equal(await shared.close(local), true)
    assert.deepEqual(at.closed, [{ host: 'localhost', port: 8080 }])
    await shared.open({ kind: 'dynamic', listen: { host: '', port: 1080 }, connect: undefined })
    assert.equal(await forwards.cancelForward('D', '1080'), true)
    assert.equal(await shared.close({ kind: 'dynamic', listen: { host: '', port: 1080 }, connect: undefined }), false)
  })

  it('goes by the port the server chose, too', async () => {
    const at = rehearsal()
    const shared = sharedForwards(new Forwards(at.connection, await settingsOf(), at.log))
    const remote = { kind: 'remote', listen: { host: '', port: 0 }, connect: { host: 'db', port: 1 } } as const
    assert.equal(await shared.open(remote), 4321)
    assert.equal(await shared.close({ ...remote, listen: { host: '', port: 4321 } }), true)
  })

  it('keeps GatewayPorts, StreamLocalBindMask, StreamLocalBindUnlink and PermitRemoteOpen', async () => {
    const at = rehearsal()
    const settings = await settingsOf(
      '-g',
      ...['-oStreamLocalBindMask=0077', '-oStreamLocalBindUnlink=yes', '-oPermitRemoteOpen=here:1'].flatMap(each => [each]),
    )
    const shared = sharedForwards(new Forwards(at.connection, settings, at.log))
    await shared.open(local)
    await shared.open({ kind: 'local', listen: { path: '/tmp/s' }, connect: { path: '/run/t' } })
    await shared.open({ kind: 'remote', listen: { host: '', port: 1080 }, connect: undefined })
    const [first, second, third] = at.asked.map(({ request }) => request)
    assert.deepEqual(first.listen, { host: undefined, port: 8080 })
    assert.deepEqual([second.listen, second.to, second.mask, second.unlink], [{ path: '/tmp/s' }, { path: '/run/t' }, 0o077, true])
    assert.equal(third.to, 'socks')
    assert.equal(third.permit?.({ version: 5, host: 'here', port: 1 }), true)
    assert.match(String(third.permit?.({ version: 5, host: 'there', port: 1 })), /PermitRemoteOpen/)
  })
})
