// The words a refused person reads: which cause is named for which list of attempts.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { authenticationError } from '../../src/auth/explain.ts'
import type { AuthenticationAttempt } from '../../src/errors.ts'

const refused = (method: string, ...remaining: string[]): AuthenticationAttempt => ({ method, outcome: 'refused', remaining })
const message = (attempts: readonly AuthenticationAttempt[], ...remaining: string[]) =>
  authenticationError({ user: 'ada', attempts, remaining }).message

describe('the likely cause', () => {
  test('one key refused', () =>
    assert.match(message([refused('publickey', 'publickey')], 'publickey'), /refused the key: is the key in authorized_keys/))
  test('all keys refused', () =>
    assert.match(
      message([refused('publickey'), refused('publickey')], 'publickey'),
      /refused all keys: is one of them in authorized_keys.*permissions strict/,
    ))
  test('a key that was passed is not to blame', () =>
    assert.doesNotMatch(
      message([{ method: 'publickey', outcome: 'partial', remaining: ['password'] }, refused('publickey')], 'password'),
      /authorized_keys/,
    ))
  test('a reason the server gave takes the place of guesses', () => {
    const closed = { ...refused('publickey', 'publickey', 'password'), said: 'closed until noon\n' }
    const text = message([refused('none'), closed], 'publickey', 'password')
    assert.match(text, /Likely cause, as the server said before it refused: "closed until noon"/)
    assert.doesNotMatch(text, /authorized_keys/)
    assert.match(text, /Not tried, though the server accepts it: password/)
  })
  test('with the first answer it may be a notice to everybody: a short one is told beside the guesses', () => {
    const notice = (said: string): string => message([{ ...refused('publickey', 'publickey'), said }], 'publickey')
    assert.match(notice('back at noon\n'), /the server said, which may be why: "back at noon"\nLikely cause: the server refused the key/)
    assert.doesNotMatch(notice('Private.\nKeep out.\n'), /which may be why/)
  })
  test('a password where none is taken', () =>
    assert.match(message([refused('password', 'publickey')], 'publickey'), /offers no password authentication\./))
  test('a password where keyboard-interactive is taken', () =>
    assert.match(
      message([refused('password', 'keyboard-interactive')], 'keyboard-interactive'),
      /no password authentication; it may ask for it by keyboard-interactive/,
    ))
  test('a wrong password', () => assert.match(message([refused('password', 'password')], 'password'), /password or the user name is wrong/))
  test('a method that was needed and not tried', () =>
    assert.match(
      message(
        [refused('publickey'), { method: 'password', outcome: 'skipped', remaining: [], note: 'no terminal to ask on' }],
        'password',
        'keyboard-interactive',
      ),
      /Not tried, though the server accepts them: password, keyboard-interactive\./,
    ))
  test('a partial success that stopped half way names the missing method', () => {
    const text = message([{ method: 'publickey', outcome: 'partial', remaining: ['keyboard-interactive'] }], 'keyboard-interactive')
    assert.match(text, /publickey: accepted, but the server wants more: keyboard-interactive/)
    assert.match(text, /Not tried, though the server accepts it: keyboard-interactive/)
  })
  test('a server that takes nothing', () =>
    assert.match(message([refused('none')]), /none: refused; the server still accepts nothing\nThe server accepts no further method\./))
  test('why it stopped, when that has another reason', () =>
    assert.match(
      authenticationError({ user: 'ada', attempts: [refused('none')], remaining: [], ended: 'The server hung up.' }).message,
      /\nThe server hung up\.\n/,
    ))
})

describe('a server that ends it because too much has failed', () => {
  const told = (...attempts: AuthenticationAttempt[]): string =>
    authenticationError({
      user: 'ada',
      attempts,
      remaining: ['publickey', 'password'],
      ended: 'Too many authentication failures',
      tooMany: true,
    }).message
  test('after keys: how many it takes is told, and how to offer one alone', () => {
    const text = told(refused('none'), refused('publickey'), refused('publickey'), refused('publickey'))
    assert.match(text, /ends a connection after 3 failed attempts \(its MaxAuthTries\), and 3 of them were keys/)
    assert.match(text, /IdentitiesOnly yes/)
  })
  test('after passwords: nobody is told of keys', () => {
    const text = told(refused('publickey'), refused('password'), refused('password'))
    assert.match(text, /after 3 failed attempts \(its MaxAuthTries\)\.\n/)
    assert.doesNotMatch(text, /IdentitiesOnly/)
  })
  test('after one attempt, in the singular', () => assert.match(told(refused('password')), /after 1 failed attempt \(/))
  test('when it ended for another reason, none of this is said', () =>
    assert.doesNotMatch(
      authenticationError({ user: 'ada', attempts: [refused('publickey'), refused('publickey')], remaining: [], ended: 'gone' }).message,
      /MaxAuthTries/,
    ))
})

describe('a server that ends it in place of an answer, for a reason of its own', () => {
  const told = (...attempts: AuthenticationAttempt[]): string =>
    authenticationError({ user: 'ada', attempts, remaining: ['publickey'], ended: 'Go away.', unanswered: true }).message
  test('to the first key: what it said is the cause, and nothing is guessed about the key', () => {
    const text = told(refused('publickey'))
    assert.match(text, /Go away\.\nWhat the server says is why it ended the connection/)
    assert.doesNotMatch(text, /authorized_keys|Not tried/)
  })
  test('to the second key: the first was refused, which is told too', () =>
    assert.match(told(refused('publickey', 'publickey'), refused('publickey')), /What the server says.*refused the key/s))
  test('to a password after a key: the password is not to blame', () =>
    assert.doesNotMatch(told(refused('publickey', 'password'), refused('password')), /the password or the user name|Not tried/))
})

test('a host whose word is not taken', () =>
  assert.match(message([refused('hostbased', 'hostbased')], 'hostbased'), /does not know this host by that name with that key.*shosts/))

test('what the peer and the person wrote is escaped', () => {
  const text = authenticationError({
    user: 'ada\x1b[2J',
    attempts: [{ method: 'publickey', source: '/tmp/\nkey', outcome: 'refused', remaining: ['pass\u202eword'] }],
    remaining: ['\x07'],
  }).message
  assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u)
  assert.match(text, /from \/tmp\/\\x0akey: refused; the server still accepts pass\\u\{202e\}word/)
})
