// The table of signature algorithms: order, completeness, names.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { algorithmsOfKeyType, keyTypes, signatureAlgorithms } from '../../../src/algorithms/signature/table.ts'

test('insecure rows come after all others', () => {
  const standings = signatureAlgorithms.map(row => row.standing)
  assert.deepEqual(
    standings,
    [...standings].sort((a, b) => Number(a === 'insecure') - Number(b === 'insecure')),
  )
})

test('names are unique, and every algorithm has its key type', () => {
  assert.equal(new Set(signatureAlgorithms.map(row => row.name)).size, signatureAlgorithms.length)
  const types: string[] = keyTypes.map(row => row.name)
  for (const row of signatureAlgorithms) assert.ok(types.includes(row.keyType), row.name)
  for (const type of types)
    assert.ok(
      signatureAlgorithms.some(row => row.keyType === type),
      type,
    )
})

test('the algorithms of a key type, strongest first; a type we do not know signs under its own name', () => {
  assert.deepEqual(algorithmsOfKeyType('ssh-rsa'), ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'])
  assert.deepEqual(algorithmsOfKeyType('sk-ssh-ed25519@openssh.com'), ['sk-ssh-ed25519@openssh.com'])
})
