// Files a client is told to log in with, on disk: private ones sign, public ones only name what an agent should have.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openssh } from '../../src/client/openssh-node.ts'
import { keyTypeVector, securityKeys } from '../keys/key-types.ts'
import { vector } from '../keys/fixtures.ts'

/** What is offered with these files and no agent, and what is said of the rest. */
const offered = async (files: Readonly<Record<string, string>>, names: readonly string[]) => {
  const folder = mkdtempSync(join(tmpdir(), 'nacre-test-'))
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 })
    const notes: string[] = []
    const { identities } = await openssh('host.example', 22, {
      agent: false,
      knownHostsFiles: [],
      identityFiles: names.map(name => join(folder, name)),
      onNote: note => notes.push(note.replaceAll(`${folder}/`, '')),
    })
    const types: string[] = []
    for (let turn = 0; turn < 10; turn++) {
      const credential = await identities.next({
        is: 'credential',
        user: 'ada',
        remaining: ['publickey'],
        attempts: [],
        serverSignatureAlgorithms: undefined,
      })
      if (credential.method !== 'publickey') break
      types.push(credential.algorithm)
    }
    return { types, notes }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('private files sign, each as its type does', async () => {
  const files = { one: vector('ed25519.key'), two: keyTypeVector('mldsa44-ed25519.key') }
  assert.deepEqual(await offered(files, ['one', 'two']), { types: ['ssh-ed25519', 'ssh-mldsa44-ed25519@openssh.com'], notes: [] })
})

test('a public file, and one whose private half is gone, name keys of an agent; without one that is said', async () => {
  const line = vector('ed25519.pub')
  const said = (name: string) => `Of the key in ${name} only the public half is there, and no agent has the other.`
  assert.deepEqual(await offered({ 'id.pub': line }, ['id.pub', 'id']), { types: [], notes: [said('id.pub'), said('id')] })
})

test('the file of a security key is no way to sign, and what is said names the way', async () => {
  const { types, notes } = await offered({ id_ed25519_sk: securityKeys.keys[0].file }, ['id_ed25519_sk'])
  assert.deepEqual(types, [])
  assert.match(
    notes.join('\n'),
    /lies in a security key, which cannot be used here\. Load it into an agent that has the token, with ssh-add/,
  )
})

test('a file that is not there at all is named', async () => {
  assert.deepEqual(await offered({}, ['nowhere']), { types: [], notes: ['The key file nowhere does not exist.'] })
})
