// Owns the hybrids of ML-KEM-768 (draft-ietf-sshm-mlkem-hybrid-kex). With P-256, K_CL is the x coordinate in 32 bytes.
import { nistp256, x25519 } from './curves.ts'
import { hybridExchange, type Kem } from './hybrid-exchange.ts'
import { KexHybridInit, KexHybridReply } from './messages.ts'

/** FIPS 203. The provider refuses a key whose coefficients are out of range, as §7.2 demands. */
const mlkem768: Kem = {
  label: 'ML-KEM-768',
  publicBytes: 1184,
  ciphertextBytes: 1088,
  generate: run => run.crypto.mlkem768(run.random),
  encapsulate: (run, publicKey) => run.crypto.mlkem768Encapsulate(publicKey, run.random),
}

const columns = { standing: 'default', hash: 'sha256', kem: mlkem768, init: KexHybridInit, reply: KexHybridReply } as const

export const mlkem768X25519Sha256 = hybridExchange({ ...columns, name: 'mlkem768x25519-sha256', curve: x25519 })
export const mlkem768Nistp256Sha256 = hybridExchange({ ...columns, name: 'mlkem768nistp256-sha256', curve: nistp256 })
