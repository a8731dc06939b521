// What ssh says and asks about host keys: the question, the answers that count, the loud words, and key exchanges of yesterday.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HostKeyError, type UnknownHostKey } from 'nacre'
import { parsePublicKeyLine, randomArt } from 'nacre/keys'
import { confirmed, loudly, unknownHostQuestion, weakCryptoWarning } from '../../src/ssh/host-keys.ts'

const key = parsePublicKeyLine('ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl')
const unknown: UnknownHostKey = {
  key,
  fingerprint: key.fingerprint(),
  algorithm: 'ssh-ed25519',
  host: 'host.example',
  port: 2222,
  address: '192.0.2.1',
  otherNames: [],
  dns: undefined,
}

describe('the question about an unknown host', () => {
  test('has the host, the address, the fingerprint and the three ways to answer', () => {
    assert.equal(
      unknownHostQuestion(unknown, { hash: 'sha256', picture: false }),
      "The authenticity of host '[host.example]:2222 (192.0.2.1)' can't be established.\n" +
        `ED25519 key fingerprint is: ${key.fingerprint()}\n` +
        'This key is not known by any other name.\n' +
        'Are you sure you want to continue connecting (yes/no/[fingerprint])? ',
    )
  })

  test('has a picture, what DNS says, and other names, escaped', () => {
    const otherNames = Array.from({ length: 10 }, (_, line) => ({ file: 'a\x1bfile', line: line + 1, names: 'b' }))
    const question = unknownHostQuestion({ ...unknown, dns: 'differing', otherNames }, { hash: 'md5', picture: true })
    assert.ok(question.includes(key.fingerprint('md5')))
    assert.ok(question.includes(randomArt(key, 'md5')))
    assert.match(question, /No matching host key fingerprint was found in DNS/)
    assert.match(question, /a\\x1bfile:8: b\n {4}\(2 more\)\n/)
  })

  test('takes yes, no and the fingerprint, and asks again for all else', async () => {
    const answering = (...answers: readonly (string | undefined)[]) => {
      const prompts: string[] = []
      const left = [...answers]
      const ask = (prompt: string): Promise<string | undefined> => Promise.resolve(prompts.push(prompt) > 0 ? left.shift() : undefined)
      return { prompts, ask }
    }
    for (const [answers, fingerprint, taken, asked] of [
      [['yes'], 'SHA256:x', true, 1],
      [[' YES '], 'SHA256:x', true, 1],
      [['SHA256:x'], 'SHA256:x', true, 1],
      [['sha256:X', 'y', 'no'], 'SHA256:x', false, 3],
      [[''], 'SHA256:x', false, 1],
      [[undefined], 'SHA256:x', false, 1],
      [['SHA256:x', 'yes'], undefined, true, 2],
    ] as const) {
      const { prompts, ask } = answering(...answers)
      assert.equal(await confirmed('?', fingerprint, ask), taken, answers.join())
      assert.equal(prompts.length, asked)
      if (asked > 1) assert.match(prompts[1], fingerprint === undefined ? /'yes' or 'no'/ : /'yes', 'no' or the fingerprint/)
    }
  })
})

test('an error about a changed or revoked key is not read past', () => {
  const error = (code: 'HOST_KEY_CHANGED' | 'HOST_KEY_REVOKED' | 'HOST_KEY_UNKNOWN') =>
    new HostKeyError(code, 'm', { fingerprint: '', keyType: '' })
  assert.match(loudly(error('HOST_KEY_CHANGED'), 'words'), /^@{59}\n@ +WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! +@\n@{59}\nwords$/)
  assert.match(loudly(error('HOST_KEY_REVOKED'), 'words'), /REVOKED HOST KEY DETECTED/)
  assert.equal(loudly(error('HOST_KEY_UNKNOWN'), 'words'), 'words')
  assert.equal(loudly(new Error('x'), 'words'), 'words')
})

test('key exchanges that quantum computers will break are told of', () => {
  for (const kex of ['mlkem768x25519-sha256', 'sntrup761x25519-sha512', 'sntrup761x25519-sha512@openssh.com'])
    assert.equal(weakCryptoWarning(kex), undefined)
  for (const kex of ['curve25519-sha256', 'ecdh-sha2-nistp521', 'diffie-hellman-group18-sha512'])
    assert.match(weakCryptoWarning(kex) ?? '', /not using a post-quantum/)
})
