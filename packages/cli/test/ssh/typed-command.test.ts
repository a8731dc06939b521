// The command line behind ~C: what is typed, what is done, and what is said of it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { typedCommandLine } from '../../src/ssh/typed-command.ts'

const typing = async (line: string | undefined, permitLocal = false): Promise<readonly string[]> => {
  const told: string[] = []
  await typedCommandLine({
    permitLocal,
    say: text => told.push(text),
    read: async () => line,
    forwards: {
      async addForward(letter, text) {
        if (text === 'bad') throw new Error('That is no forward\x1b[2J.')
        told.push(`add ${letter} ${text}`)
      },
      async cancelForward(letter, text) {
        told.push(`cancel ${letter} ${text}`)
        return text === '8080'
      },
      describe: () => [],
      stopListening() {},
    },
  })
  return told
}

describe('a typed command line', () => {
  it('adds forwards, with or without a dash and blanks', async () => {
    assert.deepEqual(await typing('-L 8080:localhost:80'), ['add L 8080:localhost:80', 'Forwarding port.'])
    assert.deepEqual(await typing(' R8081:b:2 '), ['add R 8081:b:2', 'Forwarding port.'])
    assert.deepEqual(await typing('-D1080'), ['add D 1080', 'Forwarding port.'])
  })
  it('ends forwards, or says that there is none', async () => {
    assert.deepEqual(await typing('-KL8080'), ['cancel L 8080', 'Canceled forwarding.'])
    assert.deepEqual(await typing('KR 1'), ['cancel R 1', 'Unknown port forwarding.'])
  })
  it('says why something cannot be, harmlessly', async () => assert.deepEqual(await typing('-Lbad'), ['That is no forward\\x1b[2J.']))
  it('knows what else there is', async () => {
    assert.match((await typing('h')).join('\n'), /-KD/)
    assert.doesNotMatch((await typing('?')).join('\n'), /!command/)
    assert.match((await typing('-h', true)).join('\n'), /!command/)
  })
  it('does nothing at an empty line or the end', async () => {
    assert.deepEqual(await typing(''), [])
    assert.deepEqual(await typing(undefined), [])
  })
  it('refuses what it does not know, and local commands that are not permitted', async () => {
    assert.deepEqual(await typing('-X'), ['Invalid command.'])
    assert.deepEqual(await typing('!touch /tmp/never'), ['Invalid command.'])
  })
})
