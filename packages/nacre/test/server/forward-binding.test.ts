// Where a server listens for what a client asks for: the table of GatewayPorts, both families, one port for both.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ForwardError } from '../../src/errors.ts'
import { addressesFor, bindTcp, type GatewayPorts } from '../../src/server/forward-binding.ts'
import { fakeMachine } from './sockets.ts'

const both = ['127.0.0.1', '::1']
const all = [undefined]

describe('the address a client asks for', () => {
  const table: Readonly<Record<string, Readonly<Record<GatewayPorts, readonly (string | undefined)[]>>>> = {
    '': { no: both, yes: all, clientspecified: all },
    '*': { no: both, yes: all, clientspecified: all },
    localhost: { no: both, yes: all, clientspecified: both },
    '0.0.0.0': { no: both, yes: all, clientspecified: ['0.0.0.0'] },
    '::': { no: both, yes: all, clientspecified: ['::'] },
    '127.0.0.1': { no: ['127.0.0.1'], yes: all, clientspecified: ['127.0.0.1'] },
    '::1': { no: ['::1'], yes: all, clientspecified: ['::1'] },
    '192.0.2.7': { no: both, yes: all, clientspecified: ['192.0.2.7'] },
    'gate.example': { no: both, yes: all, clientspecified: ['gate.example'] },
  }
  for (const [address, row] of Object.entries(table))
    for (const [value, expected] of Object.entries(row))
      it(`“${address}” with GatewayPorts ${value}`, () => assert.deepEqual(addressesFor(address, value as GatewayPorts), expected))
})

describe('a listener', () => {
  const bind = (at: ReturnType<typeof fakeMachine>, host: string, port: number, ways: GatewayPorts = 'no') =>
    bindTcp(at.sockets, { host, port }, ways, () => {})

  it('is at both addresses of the loopback, and gone from both', async () => {
    const at = fakeMachine()
    const bound = await bind(at, 'localhost', 8080)
    assert.deepEqual([...at.listening.keys()], ['127.0.0.1 8080', '::1 8080'])
    assert.equal(bound.port, 8080)
    await bound.close()
    assert.equal(at.listening.size, 0)
  })

  it('has one port for both families when any will do', async () => {
    const at = fakeMachine()
    const bound = await bind(at, 'localhost', 0)
    assert.equal(bound.port, 50_000)
    assert.deepEqual([...at.listening.keys()], ['127.0.0.1 50000', '::1 50000'])
  })

  it('looks for another port when the other family has somebody there', async () => {
    const at = fakeMachine()
    at.occupied.add('::1 50000')
    const bound = await bind(at, 'localhost', 0)
    assert.equal(bound.port, 50_001)
    assert.deepEqual([...at.listening.keys()], ['127.0.0.1 50001', '::1 50001'])
  })

  it('does without a family that has the port taken, and fails without any', async () => {
    const at = fakeMachine()
    at.occupied.add('127.0.0.1 80')
    await bind(at, 'localhost', 80)
    assert.deepEqual([...at.listening.keys()], ['::1 80'])
    await assert.rejects(bind(at, 'localhost', 80), ForwardError)
  })

  it('leaves nothing behind when something else goes wrong', async () => {
    const at = fakeMachine()
    const sockets = {
      ...at.sockets,
      listen: (...given: Parameters<typeof at.sockets.listen>) => {
        if ('host' in given[0] && given[0].host === '::1') throw new TypeError('a bug')
        return at.sockets.listen(...given)
      },
    }
    await assert.rejects(
      bindTcp(sockets, { host: '', port: 80 }, 'no', () => {}),
      TypeError,
    )
    assert.equal(at.listening.size, 0)
  })

  it('is of IPv6 alone where that was asked for', async () => {
    const at = fakeMachine()
    await bind(at, '::', 80, 'clientspecified')
    await bind(at, '0.0.0.0', 80, 'clientspecified')
    await bind(at, '', 81, 'yes')
    assert.deepEqual(
      [...at.listening].map(([key, { options }]) => [key, options.ipv6Only ?? false]),
      [
        [':: 80', true],
        ['0.0.0.0 80', false],
        ['* 81', false],
      ],
    )
  })
})
