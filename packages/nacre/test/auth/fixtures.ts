// Owns what the tests of authentication share: method-specific details, a real key, and runs with recording ends.
import { createHash } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import type { SignatureProof } from '../../src/algorithms/rows.ts'
import type { ClientAuthRun, ServerAuthRun } from '../../src/auth/method.ts'
import type { AttemptQuestion, Credential, Verdict } from '../../src/auth/questions.ts'
import { boolean, bytes, decode, encode, struct, text } from '../../src/wire/codec.ts'

export const sessionId = Uint8Array.from({ length: 32 }, (_, i) => i)
export const userName = 'ada'
export const serverKey = new TextEncoder().encode('the key of the server')

// The RFC's fields written out again, so that a mistake in the sources is not repeated here.
export const noDetails = new Uint8Array(0)
export const passwordDetails = (password: string) => encode(struct({ change: boolean, password: text }), { change: false, password })
export const changeDetails = (old: string, fresh: string) =>
  encode(struct({ change: boolean, old: text, fresh: text }), { change: true, old, fresh })
export const interactiveDetails = (submethods = '') => encode(struct({ language: text, submethods: text }), { language: '', submethods })
export const queryDetails = (algorithm: string, key: Uint8Array) =>
  encode(struct({ signed: boolean, algorithm: text, key: bytes }), { signed: false, algorithm, key })
export const proofDetails = (algorithm: string, key: Uint8Array, signature: Uint8Array) =>
  encode(struct({ signed: boolean, algorithm: text, key: bytes, signature: bytes }), { signed: true, algorithm, key, signature })
export const signatureBlob = (algorithm: string, signature: Uint8Array) =>
  encode(struct({ algorithm: text, signature: bytes }), { algorithm, signature })

export const request = (methodName: string, details: Uint8Array, user = userName, serviceName = 'ssh-connection') => ({
  userName: user,
  serviceName,
  methodName,
  details,
})

export interface TestKey {
  readonly blob: Uint8Array
  readonly algorithm: 'ssh-ed25519'
  readonly fingerprint: string
  readonly sign: (data: Uint8Array) => Uint8Array
}

export const fingerprint = (blob: Uint8Array): string => `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`

/** A real ed25519 key grown from one byte, so that runs repeat. */
export const testKey = (seed: number): TestKey => {
  const privateKey = new Uint8Array(32).fill(seed)
  const blob = encode(struct({ type: text, key: bytes }), { type: 'ssh-ed25519', key: ed25519.getPublicKey(privateKey) })
  return {
    blob,
    algorithm: 'ssh-ed25519',
    fingerprint: fingerprint(blob),
    sign: data => signatureBlob('ssh-ed25519', ed25519.sign(data, privateKey)),
  }
}

/** What a right signature of an ordinary key proves. */
export const plainProof: SignatureProof = { securityKey: undefined }

export const prove: ServerAuthRun['prove'] = (publicKey, algorithm, data, signature) => {
  const { key } = decode(struct({ type: text, key: bytes }), publicKey)
  const inner = decode(struct({ algorithm: text, signature: bytes }), signature)
  return algorithm === 'ssh-ed25519' && ed25519.verify(inner.signature, data, key) ? plainProof : undefined
}

export const serverRun = (options: Partial<ServerAuthRun> = {}): ServerAuthRun & { readonly methods: readonly string[] } =>
  ({
    service: 'ssh-connection',
    sessionId,
    hostKey: () => serverKey,
    methods: ['publickey', 'password', 'keyboard-interactive'],
    acceptedAlgorithms: ['ssh-ed25519', 'rsa-sha2-512', 'rsa-sha2-256'],
    prove,
    fingerprint,
    ...options,
  }) as ServerAuthRun & { readonly methods: readonly string[] }

export const clientRun = (options: Partial<ClientAuthRun> = {}): ClientAuthRun & { readonly banners: string[] } => {
  const banners: string[] = []
  return {
    user: userName,
    service: 'ssh-connection',
    sessionId,
    serverSignatureAlgorithms: () => undefined,
    banner: message => banners.push(message),
    banners,
    ...options,
  }
}

export const keyCredential = (key: TestKey, query = true): Extract<Credential, { method: 'publickey' }> => ({
  method: 'publickey',
  publicKey: key.blob,
  algorithm: key.algorithm,
  fingerprint: key.fingerprint,
  source: '~/.ssh/id_ed25519',
  query,
  sign: key.sign,
})

export const accept = (identity: unknown): Verdict => ({ is: 'accept', identity })
export const refuse = (...remaining: string[]): Verdict => ({ is: 'refuse', remaining })
export const partial = (...remaining: string[]): Verdict => ({ is: 'partial', remaining })

/** Answers with `verdict` and keeps the question, to look at it later. */
export const recorder = () => {
  const questions: AttemptQuestion[] = []
  return {
    questions,
    answer: (verdict: Verdict) => (question: AttemptQuestion) => {
      questions.push(question)
      return verdict
    },
  }
}
