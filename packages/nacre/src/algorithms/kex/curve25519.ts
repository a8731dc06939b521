// Owns curve25519-sha256 (RFC 8731) and the name it had before it was standardized.
import { curveExchange } from './curve-exchange.ts'
import { x25519 } from './curves.ts'

export const curve25519Sha256 = curveExchange({ name: 'curve25519-sha256', standing: 'default', hash: 'sha256' }, x25519)
export const curve25519Sha256Libssh = curveExchange({ name: 'curve25519-sha256@libssh.org', standing: 'default', hash: 'sha256' }, x25519)
