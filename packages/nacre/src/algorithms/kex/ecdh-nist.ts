// Owns ECDH over the NIST curves (RFC 5656 §4), each with the hash of its size (§6.2.1).
import { curveExchange } from './curve-exchange.ts'
import { nistp256, nistp384, nistp521 } from './curves.ts'

export const ecdhSha2Nistp256 = curveExchange({ name: 'ecdh-sha2-nistp256', standing: 'default', hash: 'sha256' }, nistp256)
export const ecdhSha2Nistp384 = curveExchange({ name: 'ecdh-sha2-nistp384', standing: 'default', hash: 'sha384' }, nistp384)
export const ecdhSha2Nistp521 = curveExchange({ name: 'ecdh-sha2-nistp521', standing: 'default', hash: 'sha512' }, nistp521)
