// AddKeysToAgent: a key from a file goes to the agent when it is first used, never sooner, never twice, and a login goes on
// whatever the agent says.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { AgentClient } from '../../src/agent/client.ts'
import type { AgentIdentity } from '../../src/agent/identity.ts'
import type { KeyConstraints } from '../../src/agent/constraints.ts'
import { addingToAgent, type AddKeysOptions } from '../../src/client/add-keys-node.ts'
import { generateKeyNumbers } from '../../src/crypto/node/generate.ts'
import { nodeCrypto } from '../../src/crypto/node/provider.ts'
import { AgentError } from '../../src/errors.ts'
import { loadLazySigner, loadSigner } from '../../src/keys/load-node.ts'
import { PrivateKey } from '../../src/keys/private.ts'
import { writePrivateKey } from '../../src/keys/private-file.ts'
import { formatPublicKeyLine } from '../../src/keys/public.ts'

const key = new PrivateKey(await generateKeyNumbers({ kind: 'ed25519' }), 'ada@desk')

/** What an agent was given; it may refuse. */
const agent = (refuses = false) => {
  const added: [string, string, KeyConstraints][] = []
  let closed = 0
  const client = {
    async add({ key: given, certificate }: AgentIdentity, comment: string, constraints: KeyConstraints) {
      assert.equal(certificate, undefined)
      if (refuses) throw new AgentError('AGENT_REFUSED', 'locked')
      added.push([given.publicKey.fingerprint(), comment, constraints])
    },
    close: () => closed++,
  } as unknown as AgentClient
  return { added, client, closed: () => closed }
}
const give = async (options: AddKeysOptions, given = key, refuses = false) => {
  const { added, client, closed } = agent(refuses)
  const notes: string[] = []
  await addingToAgent({ ...options, onNote: note => notes.push(note) }, async () => client)?.('/home/ada/id')(given)
  return { added: added.map(([, comment, constraints]) => [comment, constraints]), notes: notes.join('\n'), closed: closed() }
}

describe('a key that is used', () => {
  it('is added with its comment', async () => {
    assert.deepEqual(await give({ addKeysToAgent: { mode: 'yes' } }), {
      added: [['ada@desk', {}]],
      notes: 'The key /home/ada/id is now in the agent.',
      closed: 1,
    })
  })
  it('is called by its file without one', async () => {
    const bare = new PrivateKey(key.revealNumbers(), '')
    assert.deepEqual((await give({ addKeysToAgent: { mode: 'yes' } }, bare)).added, [['/home/ada/id', {}]])
  })
  it('is added for a time, or so that the agent asks each time', async () => {
    assert.deepEqual((await give({ addKeysToAgent: { mode: 'yes', seconds: 60 } })).added, [['ada@desk', { lifetime: 60 }]])
    assert.deepEqual((await give({ addKeysToAgent: { mode: 'confirm', seconds: 60 } })).added, [
      ['ada@desk', { lifetime: 60, confirm: true }],
    ])
    assert.deepEqual((await give({ addKeysToAgent: { mode: 'confirm' } })).added, [['ada@desk', { confirm: true }]])
  })
  it('is added on a yes', async () => {
    const asked: string[] = []
    const askToAddKey = (answer: boolean) => (question: string) => {
      asked.push(question)
      return answer
    }
    assert.equal((await give({ addKeysToAgent: { mode: 'ask' }, askToAddKey: askToAddKey(true) })).added.length, 1)
    const no = await give({ addKeysToAgent: { mode: 'ask' }, askToAddKey: askToAddKey(false) })
    assert.deepEqual([no.added.length, no.closed], [0, 1])
    assert.match(no.notes, /nobody said yes/)
    assert.equal((await give({ addKeysToAgent: { mode: 'ask' } })).added.length, 0)
    assert.deepEqual(asked, Array(2).fill('Add key /home/ada/id (ada@desk) to agent?'))
  })
  it('is used all the same when the agent refuses, or there is none', async () => {
    const refused = await give({ addKeysToAgent: { mode: 'yes' } }, key, true)
    assert.match(refused.notes, /was not given to the agent: locked/)
    assert.equal(refused.closed, 1)
    await addingToAgent({ addKeysToAgent: { mode: 'yes' } }, async () => undefined)?.('id')(key)
    await addingToAgent({ addKeysToAgent: { mode: 'yes' } }, () => Promise.reject(new Error('gone')))?.('id')(key)
  })
  it('is nobody’s business where nothing was said', () => {
    assert.equal(
      addingToAgent({}, async () => undefined),
      undefined,
    )
  })
})

describe('the first use of a file’s key', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'nacre-add-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))
  const write = async (passphrase?: string): Promise<string> => {
    const path = join(folder, 'id')
    writeFileSync(path, await writePrivateKey(nodeCrypto(), key, passphrase === undefined ? {} : { passphrase, rounds: 1 }), {
      mode: 0o600,
    })
    writeFileSync(`${path}.pub`, `${formatPublicKeyLine(key.publicKey)}\n`)
    return path
  }
  const data = new Uint8Array(4)

  it('is told once, before the signature, with the key', async () => {
    for (const load of [loadSigner, loadLazySigner]) {
      const told: string[] = []
      const onUsed = async (used: PrivateKey): Promise<void> => {
        await Promise.resolve()
        told.push(used.publicKey.fingerprint())
      }
      const signer = await load(await write(), { onUsed })
      assert.deepEqual(told, [])
      await Promise.all([signer.sign(data, 'ssh-ed25519'), signer.sign(data, 'ssh-ed25519')])
      assert.deepEqual(told, [key.publicKey.fingerprint()])
    }
  })
  it('is told of an encrypted one when its passphrase has been given', async () => {
    const told: string[] = []
    const asked: number[] = []
    const signer = await loadLazySigner(await write('open'), {
      passphrase: ({ attempt }) => {
        asked.push(attempt)
        return 'open'
      },
      onUsed: used => void told.push(used.comment),
    })
    assert.deepEqual([asked, told], [[], []])
    await signer.sign(data, 'ssh-ed25519')
    assert.deepEqual([asked, told], [[1], ['ada@desk']])
  })
})
