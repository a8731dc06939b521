// Owns the hybrid of Streamlined NTRU Prime 761 and X25519 (RFC 9941), under its name and the one it had before.
import { sntrup761Bytes, sntrup761Decapsulate, sntrup761Encapsulate, sntrup761Generate, type Sha512 } from '../../crypto/sntrup761.ts'
import type { KexRun } from '../rows.ts'
import { x25519 } from './curves.ts'
import { hybridExchange, type Kem } from './hybrid-exchange.ts'
import { KexEcdhInit, KexEcdhReply } from './messages.ts'

const sha512 =
  (run: KexRun): Sha512 =>
  (...pieces) =>
    run.crypto.hash('sha512', ...pieces)

const sntrup761: Kem = {
  label: 'sntrup761',
  publicBytes: sntrup761Bytes.publicKey,
  ciphertextBytes: sntrup761Bytes.ciphertext,
  generate(run) {
    const { publicKey, secretKey } = sntrup761Generate(run.random, sha512(run))
    return {
      publicKey,
      decapsulate(ciphertext) {
        const secret = sntrup761Decapsulate(secretKey, ciphertext, sha512(run))
        secretKey.fill(0)
        return secret
      },
    }
  },
  encapsulate: (run, publicKey) => sntrup761Encapsulate(publicKey, run.random, sha512(run)),
}

const columns = { standing: 'default', hash: 'sha512', kem: sntrup761, curve: x25519, init: KexEcdhInit, reply: KexEcdhReply } as const

export const sntrup761X25519Sha512 = hybridExchange({ ...columns, name: 'sntrup761x25519-sha512' })
export const sntrup761X25519Sha512Openssh = hybridExchange({ ...columns, name: 'sntrup761x25519-sha512@openssh.com' })
