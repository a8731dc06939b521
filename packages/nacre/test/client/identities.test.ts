// In which order credentials are tried, and what is left out with which words.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Credential, CredentialQuestion } from '../../src/auth/questions.ts'
import { credentials } from '../../src/client/identities.ts'
import { publicKeyOf } from '../../src/keys/public.ts'
import { keyTypes } from '../../src/algorithms/signature/table.ts'
import type { Signer } from '../../src/keys/signer.ts'

const question = (remaining?: readonly string[], serverSignatureAlgorithms?: readonly string[]): CredentialQuestion => ({
  is: 'credential',
  user: 'bob',
  remaining,
  attempts: [],
  serverSignatureAlgorithms,
})

const ed25519 = keyTypes.find(row => row.name === 'ssh-ed25519')
assert.ok(ed25519)
const signer = (source: string, change: Partial<Signer> = {}): Signer => ({
  publicKey: publicKeyOf(ed25519, { kind: 'ed25519', publicKey: new Uint8Array(32).fill(source.length) }),
  algorithms: ['ssh-ed25519'],
  source,
  slow: false,
  sign: () => new Uint8Array(1),
  ...change,
})
const methodOf = (credential: Credential): string =>
  credential.method === 'publickey' ? `publickey ${credential.source}` : credential.method
const all = ['publickey', 'password', 'keyboard-interactive']

describe('credentials', () => {
  it('begin with a key when there is one: its answer tells what the server takes', async () => {
    const { next } = credentials({ signers: [signer('a'), signer('bb')], password: 'x' })
    assert.equal(methodOf(await next(question())), 'publickey a')
    assert.equal(methodOf(await next(question(all))), 'publickey bb')
    assert.equal(methodOf(await next(question(all))), 'keyboard-interactive')
    assert.equal(methodOf(await next(question(all))), 'password')
    assert.equal(methodOf(await next(question(all))), 'give-up')
  })
  it('begin with "none" when there is no key', async () => {
    const { next } = credentials({ password: 'x' })
    assert.equal(methodOf(await next(question())), 'none')
    assert.equal(methodOf(await next(question(['password']))), 'password')
    assert.equal(methodOf(await next(question(['password']))), 'give-up')
  })
  it('fetch late keys when their turn comes, once, and not before the server has said that it takes keys', async () => {
    let fetched = 0
    const late = async () => {
      fetched++
      return [signer('late'), signer('later')]
    }
    const one = credentials({ signers: [signer('a'), late, signer('z after')] })
    const key = ['publickey']
    assert.equal(methodOf(await one.next(question())), 'publickey a')
    assert.equal(fetched, 0)
    for (const name of ['late', 'later', 'z after']) assert.equal(methodOf(await one.next(question(key))), `publickey ${name}`)
    assert.equal(methodOf(await one.next(question(key))), 'give-up')
    assert.equal(fetched, 1)
    const two = credentials({ signers: [late], password: 'x' })
    assert.equal(methodOf(await two.next(question())), 'none')
    assert.equal(methodOf(await two.next(question(['password']))), 'password')
    assert.equal(fetched, 1)
    assert.equal(methodOf(await credentials({ signers: [() => [], signer('a')] }).next(question(key))), 'publickey a')
  })
  it('offer late keys again after a step was passed, but not the one that was it', async () => {
    const [late, later] = [signer('late'), signer('later')]
    const fetch = () => [late, later]
    const { next } = credentials({ signers: [fetch] })
    assert.equal(methodOf(await next(question(['publickey']))), 'publickey late')
    assert.equal(methodOf(await next(question(['publickey']))), 'publickey later')
    const passed = { method: 'publickey', outcome: 'partial', remaining: [], fingerprint: later.publicKey.fingerprint() } as const
    assert.equal(methodOf(await next({ ...question(['publickey']), attempts: [passed] })), 'publickey late')
    assert.equal(methodOf(await next({ ...question(['publickey']), attempts: [passed] })), 'give-up')
  })
  it('skip methods the server does not take', async () => {
    const { next } = credentials({ signers: [signer('a')], password: 'x' })
    assert.equal(methodOf(await next(question(['password']))), 'password')
  })
  it('ask for a password three times when it is a person’s', async () => {
    const asked: number[] = []
    const { next } = credentials({ password: attempt => `${asked.push(attempt)}`, preferred: ['password'] })
    await next(question())
    for (let i = 0; i < 3; i++) assert.equal(methodOf(await next(question(['password']))), 'password')
    assert.equal(methodOf(await next(question(['password']))), 'give-up')
    assert.deepEqual(asked, [1, 2, 3])
  })
  it('leave out what is only offered on request, unless the server lists it, says nothing, or it was named', async () => {
    const rare = 'ssh-mldsa44-ed25519@openssh.com'
    const first = async (accepted: readonly string[] | undefined, named?: readonly string[]) => {
      const { next } = credentials({
        signers: [signer('a', { algorithms: [rare] })],
        ...(named === undefined ? {} : { signatureAlgorithms: named }),
      })
      return methodOf(await next(question(['publickey'], accepted)))
    }
    assert.equal(await first(['ssh-ed25519']), 'give-up')
    assert.equal(await first(['ssh-ed25519', rare]), 'publickey a')
    assert.equal(await first(undefined), 'publickey a')
    assert.equal(await first(['ssh-ed25519'], [rare]), 'publickey a')
  })
  it('query slow keys before signing with them', async () => {
    const { next } = credentials({ signers: [signer('a', { slow: true }), signer('bb')] })
    const first = await next(question())
    const second = await next(question(all))
    assert.deepEqual(
      [first, second].map(each => each.method === 'publickey' && each.query),
      [true, false],
    )
  })
  it('use no insecure signature unless it is named', async () => {
    const old = signer('old', { algorithms: ['rsa-sha2-512', 'ssh-rsa'] })
    const refused = await credentials({ signers: [old] }).next(question(all, ['ssh-rsa']))
    assert.ok(refused.method === 'give-up')
    assert.match(refused.notes[0].note ?? '', /the server takes none of rsa-sha2-512 \(its server-sig-algs\)/)
    const named = await credentials({ signers: [old], signatureAlgorithms: ['ssh-rsa'] }).next(question(all, ['ssh-rsa']))
    assert.equal(named.method === 'publickey' && named.algorithm, 'ssh-rsa')
  })
  it('try a key with one algorithm whatever the server lists: lists are wrong at times', async () => {
    const { next } = credentials({ signers: [signer('a')] })
    assert.equal(methodOf(await next(question(all, ['rsa-sha2-512']))), 'publickey a')
  })
  it('try refused keys again after a step was passed, but not the key that was the step', async () => {
    const one = signer('a')
    const two = signer('bb')
    const { next } = credentials({ signers: [one, two], password: 'x' })
    const refused = { method: 'publickey', fingerprint: one.publicKey.fingerprint(), outcome: 'refused', remaining: all } as const
    const step = { method: 'publickey', fingerprint: two.publicKey.fingerprint(), outcome: 'partial', remaining: ['publickey'] } as const
    assert.equal(methodOf(await next(question())), 'publickey a')
    assert.equal(methodOf(await next({ ...question(all), attempts: [refused] })), 'publickey bb')
    assert.equal(methodOf(await next({ ...question(['publickey']), attempts: [refused, step] })), 'publickey a')
    assert.equal(methodOf(await next({ ...question(['publickey']), attempts: [refused, step, refused] })), 'give-up')
  })
  it('answer a single hidden prompt with the password, once', async () => {
    const { answer } = credentials({ password: 'secret' })
    const hidden = { is: 'prompts', name: '', instruction: '', prompts: [{ prompt: 'Password: ', echo: false }] } as const
    assert.deepEqual(await answer?.(hidden), ['secret'])
    assert.equal(await answer?.(hidden), undefined)
    assert.deepEqual(await answer?.({ ...hidden, prompts: [] }), [])
    assert.equal(await credentials({ password: 'x' }).answer?.({ ...hidden, prompts: [{ prompt: 'Code: ', echo: true }] }), undefined)
  })
})
