// Where agents are found on Node, as far as that can be told without one.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { connectAgent, connectPageant, pageantPipe } from '../../src/agent/openssh-node.ts'

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

test('without a socket there is no agent', async () => {
  await assert.rejects(connectAgent(''), { code: 'AGENT_UNREACHABLE', message: /SSH_AUTH_SOCK is not set/ })
  await assert.rejects(connectAgent('/does/not/exist'), { code: 'AGENT_UNREACHABLE', message: /No agent answers at \/does\/not\/exist/ })
})
