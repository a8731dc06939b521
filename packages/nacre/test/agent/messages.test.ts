// The bytes of agent messages, as RFC 9987 draws them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  agentNumbers,
  decodeAgentMessage,
  encodeAgentMessage,
  IdentitiesAnswer,
  RequestIdentities,
  SignRequest,
  SignResponse,
  signFlags,
} from '../../src/agent/messages.ts'
import { WireError } from '../../src/errors.ts'

test('a request for the keys is five bytes', () => {
  assert.deepEqual(encodeAgentMessage(RequestIdentities, {}), Uint8Array.of(0, 0, 0, 1, 11))
})

test('a sign request is key, data and flags', () => {
  const bytes = encodeAgentMessage(SignRequest, { publicKey: Uint8Array.of(1, 2), data: Uint8Array.of(3), flags: 4 })
  assert.deepEqual(bytes, Uint8Array.of(0, 0, 0, 16, 13, 0, 0, 0, 2, 1, 2, 0, 0, 0, 1, 3, 0, 0, 0, 4))
})

test('the list of keys is a count, then key and comment', () => {
  const payload = Uint8Array.of(12, 0, 0, 0, 1, 0, 0, 0, 2, 8, 9, 0, 0, 0, 1, 0x61)
  assert.deepEqual(decodeAgentMessage(IdentitiesAnswer, payload), { keys: [{ publicKey: Uint8Array.of(8, 9), comment: 'a' }] })
})

test('a list that claims more keys than it has, or far too many, is refused', () => {
  assert.throws(() => decodeAgentMessage(IdentitiesAnswer, Uint8Array.of(12, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0)), WireError)
  assert.throws(() => decodeAgentMessage(IdentitiesAnswer, Uint8Array.of(12, 0xff, 0xff, 0xff, 0xff)), WireError)
  assert.throws(() => decodeAgentMessage(SignResponse, Uint8Array.of(14, 0, 0, 0, 0, 1)), WireError, 'left-over bytes')
})

test('numbers and flags are those of the RFC', () => {
  assert.equal(agentNumbers.SSH_AGENT_FAILURE, 5)
  assert.equal(agentNumbers.SSH_AGENTC_EXTENSION, 27)
  assert.equal(signFlags['rsa-sha2-256'], 2)
  assert.equal(signFlags['rsa-sha2-512'], 4)
  assert.equal(signFlags['ssh-rsa'], undefined)
})
