// Which tunnels a login may have: by the configuration, and by what stands in front of its key.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noOptions, parseKeyOptions } from 'nacre/keys'
import { type Login, loginBy } from '../../src/sshd/login.ts'
import { tunnelProblem, tunnelVariables } from '../../src/sshd/tunnels.ts'

const account = { name: 'ada', uid: 1000, gid: 1000, home: '/home/ada', shell: '/bin/sh', comment: '' }
const login = (field: string): Login => {
  const options = field === '' ? noOptions : parseKeyOptions(field)
  assert.ok(typeof options !== 'string', String(options))
  return loginBy(account as unknown as Login['account'], 0, { method: 'publickey', options })
}
const packets = (unit?: number) => ({ mode: 'point-to-point', unit }) as const

test('PermitTunnel names the kind, and DisableForwarding takes all', () => {
  const may = { permitTunnel: 'point-to-point', disableForwarding: false } as const
  assert.equal(tunnelProblem(packets(1), may, login('')), undefined)
  assert.equal(tunnelProblem({ mode: 'ethernet', unit: 1 }, may, login('')), 'PermitTunnel is point-to-point')
  assert.equal(tunnelProblem(packets(1), { ...may, permitTunnel: 'no' }, login('')), 'PermitTunnel is no')
  assert.equal(tunnelProblem(packets(1), { ...may, disableForwarding: true }, login('')), 'DisableForwarding is set')
})
test('a key may insist on a device, or have none', () => {
  const may = { permitTunnel: 'yes', disableForwarding: false } as const
  assert.equal(tunnelProblem(packets(3), may, login('tunnel="3"')), undefined)
  assert.equal(tunnelProblem(packets(), may, login('tunnel="3"')), undefined, 'who leaves the choice gets that one')
  assert.equal(tunnelProblem(packets(1), may, login('tunnel="3"')), 'the key is for device 3 alone')
  assert.match(tunnelProblem(packets(1), may, login('restrict,port-forwarding')) ?? '', /restricted/)
  assert.match(tunnelProblem(packets(1), may, { ...login(''), passwordOld: true }) ?? '', /password/)
})
test('a login without tunnels is told of none', () => {
  assert.deepEqual(tunnelVariables(login('')), {})
})
