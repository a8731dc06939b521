// The agent over memory: keys held, listed, used and forgotten, each as its constraints say.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KeyUse } from '../../src/agent/agent.ts'
import { agentSigners } from '../../src/agent/signers.ts'
import { keyTypes, signatureAlgorithms } from '../../src/algorithms/signature/table.ts'
import { verifySignature } from '../../src/keys/verify.ts'
import { crypto, privateKey, publicKey } from '../keys/fixtures.ts'
import { agentRig, certified, data, identity } from './rig.ts'

const tables = { signatures: signatureAlgorithms, keyTypes }
const names = ['ed25519', 'ecdsa256', 'ecdsa384', 'ecdsa521', 'rsa2048'] as const
const comments = async (client: ReturnType<ReturnType<typeof agentRig>['client']>): Promise<readonly string[]> =>
  (await client.list()).map(each => each.comment)
const refused = { name: 'AgentError', code: 'AGENT_REFUSED' }

describe('keys', () => {
  test('are listed in the order they came, with their comments, to every client', async () => {
    const { client } = agentRig()
    const adding = client()
    for (const name of names) await adding.add(identity(name), `the ${name}`)
    const listed = await client().list()
    assert.deepEqual(
      listed.map(each => [each.publicKey.type, each.comment]),
      names.map(name => [publicKey(name).type, `the ${name}`]),
    )
  })

  test('sign with every algorithm they have, and as certificates', async () => {
    const { client } = agentRig()
    const agent = client()
    for (const name of names) {
      await agent.add(identity(name), name)
      await agent.add({ key: privateKey(name), certificate: await certified(name) }, `${name} certificate`)
    }
    const signers = await agentSigners(agent)
    assert.equal(signers.length, 2 * names.length)
    for (const [index, { algorithms, sign }] of signers.entries()) {
      const plain = publicKey(names[index >> 1]).blob
      for (const algorithm of algorithms) {
        const signature = await sign(data, algorithm)
        const made = algorithm.replace('-cert-v01@openssh.com', '')
        assert.ok(verifySignature(crypto, tables, { publicKey: plain, algorithm: made, data, signature }), algorithm)
      }
    }
  })

  test('that are added again take the place of the old one, with the new comment and constraints', async () => {
    const { client, clock } = agentRig()
    const agent = client()
    await agent.add(identity('ed25519'), 'first', { lifetime: 10 })
    await agent.add(identity('ecdsa256'), 'second')
    await agent.add(identity('ed25519'), 'third')
    assert.deepEqual(await comments(agent), ['third', 'second'])
    clock.advance(20_000)
    assert.deepEqual(await comments(agent), ['third', 'second'])
  })

  test('are removed one by one or all at once; one that is not there is a refusal', async () => {
    const { client } = agentRig()
    const agent = client()
    for (const name of names) await agent.add(identity(name), name)
    await agent.remove(publicKey('ecdsa384').blob)
    assert.deepEqual(await comments(agent), ['ed25519', 'ecdsa256', 'ecdsa521', 'rsa2048'])
    await assert.rejects(agent.remove(publicKey('ecdsa384').blob), refused)
    await assert.rejects(agent.sign(publicKey('ecdsa384').blob, data, 'ecdsa-sha2-nistp384'), refused)
    await agent.removeAll()
    assert.deepEqual(await comments(agent), [])
    await agent.add(identity('ed25519'), 'again')
    await agent.removeAllOfVersion1()
    assert.deepEqual(await comments(agent), [])
  })

  test('beside their certificate are keys of their own', async () => {
    const { client } = agentRig()
    const agent = client()
    const certificate = await certified('ed25519')
    await agent.add({ key: privateKey('ed25519'), certificate }, 'certificate')
    await assert.rejects(agent.sign(publicKey('ed25519').blob, data, 'ssh-ed25519'), refused)
    await agent.add(identity('ed25519'), 'plain')
    await agent.remove(certificate.blob)
    assert.deepEqual(await comments(agent), ['plain'])
  })

  test('are no more than may be held, nor more than a list can tell', async () => {
    const few = agentRig({ maximumKeys: 2 })
    const agent = few.client()
    await agent.add(identity('ed25519'), 'one')
    await agent.add(identity('ecdsa256'), 'two')
    await assert.rejects(agent.add(identity('ecdsa384'), 'three'), refused)
    // One that is there already is not one more.
    await agent.add(identity('ecdsa256'), 'two again')
    assert.deepEqual(await comments(agent), ['one', 'two again'])
    const wordy = agentRig().client()
    await wordy.add(identity('ed25519'), 'x'.repeat(200_000))
    await assert.rejects(wordy.add(identity('ecdsa256'), 'y'.repeat(100_000)), refused)
    assert.equal((await wordy.list()).length, 1)
  })
})

describe('a lifetime', () => {
  test('ends a key to the second, for listing and for signing', async () => {
    const { client, clock } = agentRig()
    const agent = client()
    await agent.add(identity('ed25519'), 'short', { lifetime: 60 })
    await agent.add(identity('ecdsa256'), 'long')
    clock.advance(59_999)
    await agent.sign(publicKey('ed25519').blob, data, 'ssh-ed25519')
    clock.advance(1)
    assert.deepEqual(await comments(agent), ['long'])
    await assert.rejects(agent.sign(publicKey('ed25519').blob, data, 'ssh-ed25519'), refused)
  })

  test('ends a key when nobody asks, too: it does not wait in memory for a question', async () => {
    const { agent, client, clock } = agentRig()
    await client().add(identity('ed25519'), 'short', { lifetime: 60 })
    assert.equal(clock.next(), 60_000)
    clock.advance(60_000)
    assert.equal(clock.next(), undefined)
    assert.equal(agent.keys.all().length, 0)
  })

  test('of the agent goes for keys that have none of their own', async () => {
    const { client, clock } = agentRig({ lifetime: 30 })
    const agent = client()
    await agent.add(identity('ed25519'), 'by default')
    await agent.add(identity('ecdsa256'), 'own', { lifetime: 100 })
    clock.advance(30_000)
    assert.deepEqual(await comments(agent), ['own'])
  })

  test('of a hundred years sets no timer that rings at once', async () => {
    const { client, clock } = agentRig()
    await client().add(identity('ed25519'), 'old', { lifetime: 0xffffffff })
    assert.ok((clock.next() ?? 0) >= 1000 * 60 * 60)
    clock.advance(40 * 24 * 60 * 60 * 1000)
    assert.deepEqual(await comments(client()), ['old'])
  })
})

describe('a confirmation', () => {
  test('is asked for each use, with what is known', async () => {
    const asked: KeyUse[] = []
    let answer = true
    const { client } = agentRig({ confirm: use => asked.push(use) > 0 && answer })
    const agent = client()
    await agent.add(identity('ed25519'), 'mine', { confirm: true })
    await agent.sign(publicKey('ed25519').blob, data, 'ssh-ed25519')
    answer = false
    await assert.rejects(agent.sign(publicKey('ed25519').blob, data, 'ssh-ed25519'), refused)
    assert.deepEqual(
      asked.map(use => [use.comment, use.publicKey.fingerprint(), use.user]),
      [1, 2].map(() => ['mine', publicKey('ed25519').fingerprint(), undefined]),
    )
  })

  test('that nobody can give is not given, and a callback that fails gives none', async () => {
    const failing = (): never => {
      throw new Error('the display is gone')
    }
    for (const rig of [agentRig(), agentRig({ confirm: failing })]) {
      const agent = rig.client()
      await agent.add(identity('ed25519'), 'mine', { confirm: true })
      await assert.rejects(agent.sign(publicKey('ed25519').blob, data, 'ssh-ed25519'), refused)
      assert.equal((await agent.list()).length, 1)
    }
  })

  test('is asked for one use at a time, however many want one; one that fails does not hold up the next', async () => {
    const open: PromiseWithResolvers<boolean>[] = []
    const { client } = agentRig({
      confirm: () => {
        const answer = Promise.withResolvers<boolean>()
        open.push(answer)
        return answer.promise
      },
    })
    await client().add(identity('ed25519'), 'asked for', { confirm: true })
    const uses = [1, 2, 3].map(() => client().sign(publicKey('ed25519').blob, data, 'ssh-ed25519'))
    const settled = Promise.allSettled(uses)
    for (const [index, answer] of [false, new Error('nobody is there'), true].entries()) {
      await new Promise(resolve => setImmediate(resolve))
      assert.equal(open.length, index + 1)
      if (answer instanceof Error) open[index].reject(answer)
      else open[index].resolve(answer)
    }
    assert.deepEqual(
      (await settled).map(({ status }) => status),
      ['rejected', 'rejected', 'fulfilled'],
    )
  })

  test('that comes when the key is gone, or the agent locked, is too late; others are served meanwhile', async () => {
    for (const meanwhile of ['remove', 'lock'] as const) {
      const { promise, resolve } = Promise.withResolvers<boolean>()
      const asked = Promise.withResolvers<void>()
      const confirm = (): Promise<boolean> => {
        asked.resolve()
        return promise
      }
      const { client } = agentRig({ confirm })
      const [waiting, other] = [client(), client()]
      await waiting.add(identity('ed25519'), 'mine', { confirm: true })
      const signing = waiting.sign(publicKey('ed25519').blob, data, 'ssh-ed25519')
      await asked.promise
      if (meanwhile === 'remove') await other.removeAll()
      else await other.lock('pass')
      resolve(true)
      await assert.rejects(signing, refused, meanwhile)
    }
  })
})

describe('a lock', () => {
  test('hides and refuses everything until the passphrase comes, from whatever client', async () => {
    const { client } = agentRig()
    const agent = client()
    await agent.add(identity('ed25519'), 'mine')
    await agent.lock('open sesame')
    const other = client()
    assert.deepEqual(await comments(other), [])
    await assert.rejects(other.sign(publicKey('ed25519').blob, data, 'ssh-ed25519'), refused)
    await assert.rejects(other.add(identity('ecdsa256'), 'more'), refused)
    await assert.rejects(other.remove(publicKey('ed25519').blob), refused)
    await assert.rejects(other.removeAll(), refused)
    await assert.rejects(other.query(), refused)
    await assert.rejects(other.lock('open sesame'), refused)
    await other.unlock('open sesame')
    assert.deepEqual(await comments(agent), ['mine'])
    await assert.rejects(agent.unlock('open sesame'), refused, 'it is not locked')
  })

  test('with an empty passphrase is none', async () => {
    const { client } = agentRig()
    await assert.rejects(client().lock(''), refused)
    await client().query()
  })

  test('makes each wrong guess wait longer, one after the other, however many clients guess', async () => {
    const { agent, client, clock } = agentRig()
    await client().lock('right')
    const guesses = [1, 2, 3].map(() =>
      client()
        .unlock('wrong')
        .then(
          () => 'unlocked',
          () => 'refused',
        ),
    )
    const waits: number[] = []
    const answered: number[] = []
    for (const [index, guess] of guesses.entries()) void guess.then(() => answered.push(index))
    while (answered.length < 3) {
      const next = clock.next()
      if (next !== undefined) {
        waits.push(next - clock.now())
        clock.advanceTo(next)
      }
      // A browser makes keys of passphrases when nothing else is to do, so there has to be such a time.
      await new Promise(resolve => setTimeout(resolve, 1))
    }
    assert.deepEqual(waits, [100, 200, 300])
    assert.deepEqual(answered, [0, 1, 2])
    assert.ok(agent.lock.locked)
    await client().unlock('right')
    assert.ok(!agent.lock.locked)
  })

  test('does not keep keys from running out', async () => {
    const { client, clock } = agentRig()
    const agent = client()
    await agent.add(identity('ed25519'), 'short', { lifetime: 5 })
    await agent.lock('pass')
    clock.advance(5000)
    await agent.unlock('pass')
    assert.deepEqual(await comments(agent), [])
  })
})

describe('what an agent is asked beside that', () => {
  test('its extensions', async () => {
    assert.deepEqual(await agentRig().client().query(), ['session-bind@openssh.com'])
  })

  test('an extension nobody knows, tokens and constraints that are not known are refusals', async () => {
    const agent = agentRig().client()
    await assert.rejects(agent.extension('make-coffee@example.org'), refused)
    await assert.rejects(agent.addCard('/usr/lib/token.so', '1234'), refused)
    await assert.rejects(agent.removeCard('/usr/lib/token.so'), refused)
    await assert.rejects(agent.add(identity('ed25519'), '', { skProvider: '/usr/lib/sk.so' }), refused, 'it is in no token')
    const certificates = { certificatesOnly: false, certificates: [] }
    await assert.rejects(agent.add(identity('ed25519'), '', { associatedCertificates: certificates }), refused)
    assert.deepEqual(await agent.list(), [])
  })

  test('a log that fails takes nothing else with it', async () => {
    const { client } = agentRig({
      onNote: () => {
        throw new Error('the disk is full')
      },
    })
    const agent = client()
    await agent.add(identity('ed25519'), 'held')
    await assert.rejects(agent.remove(publicKey('ecdsa256').blob), refused)
    assert.deepEqual(await comments(agent), ['held'])
  })

  test('keys too short to be worth anything are not taken', async () => {
    const agent = agentRig().client()
    // As OpenSSH's agent: from 1024 bits on a key can be held; whether it is used is for those who use it.
    await agent.add(identity('rsa1024'), 'weak')
    assert.deepEqual(await agentSigners(agent), [])
  })
})
