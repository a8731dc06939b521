// Which message may come when: the whole grid, message × role × stage × key exchange, against a table written from the
// RFCs by hand.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { authMessages } from '../../src/auth/messages.ts'
import { UserauthInfoRequest, UserauthInfoResponse, UserauthPkOk } from '../../src/auth/messages.ts'
import { connectionMessages } from '../../src/connection/messages.ts'
import { type Admission, admit, admitUnknown, type Stage } from '../../src/engine/admission.ts'
import { transportMessages } from '../../src/transport/messages.ts'

const stages: readonly Stage[] = ['exchange', 'service', 'auth', 'connection']

/** For each message who may send it, and what holds in the four stages outside of a key exchange: take, early, late, ignore. */
const outside: Readonly<Record<string, readonly ['client' | 'server' | 'either', string]>> = {
  // RFC 4253 §11: at any time.
  SSH_MSG_DISCONNECT: ['either', 'take take take take'],
  SSH_MSG_IGNORE: ['either', 'take take take take'],
  SSH_MSG_UNIMPLEMENTED: ['either', 'take take take take'],
  SSH_MSG_DEBUG: ['either', 'take take take take'],
  // RFC 4253 §10: after the first exchange. A client may ask again while it logs in; the answer comes once.
  SSH_MSG_SERVICE_REQUEST: ['client', 'early take take late'],
  SSH_MSG_SERVICE_ACCEPT: ['server', 'early take late late'],
  // RFC 8308 §2.4, OpenSSH PROTOCOL §1.8
  SSH_MSG_EXT_INFO: ['either', 'early take take take'],
  SSH2_MSG_PING: ['either', 'early take take take'],
  SSH2_MSG_PONG: ['either', 'early take take take'],
  // RFC 4253 §7, §9
  SSH_MSG_KEXINIT: ['either', 'take take take take'],
  SSH_MSG_NEWKEYS: ['either', 'take take take take'],
  // RFC 4252; §5.1 for a request after success
  SSH_MSG_USERAUTH_REQUEST: ['client', 'early early take ignore'],
  SSH_MSG_USERAUTH_FAILURE: ['server', 'early early take late'],
  SSH_MSG_USERAUTH_SUCCESS: ['server', 'early early take late'],
  SSH_MSG_USERAUTH_BANNER: ['server', 'early early take late'],
  SSH_MSG_USERAUTH_PK_OK: ['server', 'early early take late'],
  SSH_MSG_USERAUTH_INFO_REQUEST: ['server', 'early early take late'],
  SSH_MSG_USERAUTH_INFO_RESPONSE: ['client', 'early early take late'],
  // RFC 4254: after authentication
  SSH_MSG_GLOBAL_REQUEST: ['either', 'early early early take'],
  SSH_MSG_REQUEST_SUCCESS: ['either', 'early early early take'],
  SSH_MSG_REQUEST_FAILURE: ['either', 'early early early take'],
  SSH_MSG_CHANNEL_OPEN: ['either', 'early early early take'],
  SSH_MSG_CHANNEL_OPEN_CONFIRMATION: ['either', 'early early early take'],
  SSH_MSG_CHANNEL_OPEN_FAILURE: ['either', 'early early early take'],
  SSH_MSG_CHANNEL_WINDOW_ADJUST: ['either', 'early early early take'],
  SSH_MSG_CHANNEL_DATA: ['either', 'early early early take'],
  SSH_MSG_CHANNEL_EXTENDED_DATA: ['either', 'early early early take'],
  SSH_MSG_CHANNEL_EOF: ['either', 'early early early take'],
  SSH_MSG_CHANNEL_CLOSE: ['either', 'early early early take'],
  SSH_MSG_CHANNEL_REQUEST: ['either', 'early early early take'],
  SSH_MSG_CHANNEL_SUCCESS: ['either', 'early early early take'],
  SSH_MSG_CHANNEL_FAILURE: ['either', 'early early early take'],
}

/** RFC 4253 §7.1: between KEXINIT and NEWKEYS these, and nothing else. */
const duringExchange = new Set([
  'SSH_MSG_DISCONNECT',
  'SSH_MSG_IGNORE',
  'SSH_MSG_UNIMPLEMENTED',
  'SSH_MSG_DEBUG',
  'SSH_MSG_KEXINIT',
  'SSH_MSG_NEWKEYS',
])
/** draft-miller-sshm-strict-kex: in the first exchange not even IGNORE. */
const duringStrictFirst = new Set(['SSH_MSG_DISCONNECT', 'SSH_MSG_KEXINIT', 'SSH_MSG_NEWKEYS'])

const words: Readonly<Record<string, Admission>> = {
  take: 'take',
  early: 'message-before-its-phase',
  late: 'message-after-its-phase',
  ignore: 'ignore',
}

const all = [...transportMessages, ...authMessages, UserauthPkOk, UserauthInfoRequest, UserauthInfoResponse, ...connectionMessages]

describe('admission', () => {
  it('knows every message of the table, and the table knows every message', () => {
    assert.deepEqual(all.map(each => each.name).sort(), Object.keys(outside).sort())
  })

  for (const message of all) {
    const [from, row] = outside[message.name]
    it(message.name, () => {
      for (const us of ['client', 'server'] as const) {
        for (const [index, stage] of stages.entries()) {
          for (const peerIsExchanging of [false, true]) {
            for (const strict of [false, true]) {
              const wrongRole = from === us
              const expected: Admission = wrongRole
                ? 'message-wrong-role'
                : !peerIsExchanging
                  ? words[row.split(' ')[index]]
                  : stage === 'exchange' && strict && !duringStrictFirst.has(message.name)
                    ? duringExchange.has(message.name)
                      ? 'message-in-strict-key-exchange'
                      : 'message-before-its-phase'
                    : stage === 'exchange' && !duringExchange.has(message.name)
                      ? 'message-before-its-phase'
                      : duringExchange.has(message.name)
                        ? 'take'
                        : 'message-during-key-exchange'
              const actual = admit(message, { us, stage, peerIsExchanging, strict })
              assert.equal(
                actual,
                expected,
                `${message.name} to a ${us} in stage ${stage}${peerIsExchanging ? ', during an exchange' : ''}${strict ? ', strict' : ''}`,
              )
            }
          }
        }
      }
    })
  }
})

describe('a number that nobody knows', () => {
  const violationsOf = (numbers: readonly number[], stage: Stage, peerIsExchanging: boolean, strict = false) => [
    ...new Set(numbers.map(number => admitUnknown(number, { us: 'server', stage, peerIsExchanging, strict }))),
  ]
  const transport = [8, 19, 22, 29]
  const ownOfMethods = [20, 21, 30, 49, 60, 79]
  const afterwards = [80, 101, 127, 128, 191]
  const extensions = [192, 255]

  it('is answered (RFC 4253 §11.4)', () => {
    assert.deepEqual(violationsOf([...transport, ...afterwards, ...extensions], 'connection', false), [undefined])
    for (const stage of stages) assert.deepEqual(violationsOf([...transport, ...extensions], stage, false), [undefined], stage)
  })
  it('ends a connection that has not authenticated when it belongs to what follows (RFC 4252 §6)', () => {
    for (const stage of ['exchange', 'service', 'auth'] as const)
      assert.deepEqual(violationsOf(afterwards, stage, false), ['message-before-its-phase'], stage)
  })
  it('may come during a key exchange up to 29 (RFC 4253 §7.1), unless that is strict', () => {
    for (const stage of stages) assert.deepEqual(violationsOf(transport, stage, true), [undefined], stage)
    assert.deepEqual(violationsOf([...afterwards, ...extensions], 'exchange', true), ['message-unexpected'])
    assert.deepEqual(violationsOf([...afterwards, ...extensions], 'connection', true), ['message-during-key-exchange'])
    assert.deepEqual(violationsOf([...transport, ...afterwards, ...extensions], 'exchange', true, true), ['message-in-strict-key-exchange'])
    assert.deepEqual(violationsOf(transport, 'connection', true, true), [undefined])
  })
  it('is never one of an exchange or a method that does not run', () => {
    for (const stage of stages) {
      for (const peerIsExchanging of [false, true])
        assert.deepEqual(violationsOf(ownOfMethods, stage, peerIsExchanging), ['message-unexpected'], stage)
    }
  })
})
