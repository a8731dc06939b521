// Where agents are found on Node, as far as that can be told without one.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type AgentSurroundings, connectAgent, connectPageant, pageantPipe, usualAgents } from '../../src/agent/openssh-node.ts'

describe("Pageant's pipe", () => {
  const hash = 'ab'.repeat(32)
  test('is the one of that user, with the hash behind the name', () => {
    const names = ['InitShutdown', `pageant.annabel.${hash}`, `pageant.ann.${hash}`, `pageant.bob.${hash}`]
    assert.equal(pageantPipe(names, 'ann'), `\\\\.\\pipe\\pageant.ann.${hash}`)
    assert.equal(pageantPipe(names, 'ANN'), `\\\\.\\pipe\\pageant.ann.${hash}`)
  })
  test('is none of other programs, nor of a user whose name begins the same', () => {
    for (const name of ['pageant', 'pageant.ann', 'pageant.ann.', `pageant.ann.b.${hash}`, `pageant.ann.${hash}0`, `x.pageant.ann.${hash}`])
      assert.equal(pageantPipe([name], 'ann'), undefined, name)
  })
  test('is for Windows, which is said', { skip: process.platform === 'win32' }, async () => {
    await assert.rejects(connectPageant(), { name: 'AgentError', code: 'AGENT_UNREACHABLE', message: /agent for Windows/ })
  })
})

describe('where an agent may be', () => {
  const hash = 'ab'.repeat(32)
  const at = (changes: Partial<AgentSurroundings>): readonly string[] =>
    usualAgents({
      variables: {},
      platform: 'win32',
      pipes: () => ['InitShutdown', `pageant.ann.${hash}`],
      user: () => 'Ann',
      ...changes,
    })
  const never = (): never => assert.fail('the pipes of the machine were looked at')

  test('is what SSH_AUTH_SOCK says, on any system', () => {
    for (const platform of ['linux', 'win32'])
      assert.deepEqual(at({ platform, variables: { SSH_AUTH_SOCK: '/run/agent' }, pipes: never }), ['/run/agent'])
  })
  test("is OpenSSH's pipe on Windows, then Pageant's, whose name only a list of pipes tells", () => {
    const openssh = '\\\\.\\pipe\\openssh-ssh-agent'
    for (const variables of [{}, { SSH_AUTH_SOCK: '' }]) assert.deepEqual(at({ variables }), [openssh, `\\\\.\\pipe\\pageant.ann.${hash}`])
    assert.deepEqual(at({ user: () => 'bob' }), [openssh])
  })
  test('is nowhere else', () => assert.deepEqual(at({ platform: 'linux', pipes: never }), []))
})

test('without a socket there is no agent', async () => {
  await assert.rejects(connectAgent(''), { code: 'AGENT_UNREACHABLE', message: /SSH_AUTH_SOCK is not set/ })
  await assert.rejects(connectAgent('/does/not/exist'), { code: 'AGENT_UNREACHABLE', message: /No agent answers at \/does\/not\/exist/ })
})
