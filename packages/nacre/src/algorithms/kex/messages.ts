// Owns the messages of the key exchange methods (30 to 34). Several methods give one number different meanings; which
// one counts is decided by the running dialogue. Knows nothing of the exchanges themselves.
import { bytes, mpint, uint32 } from '../../wire/codec.ts'
import { message } from '../../wire/message.ts'

// RFC 5656 §4; RFC 8731 §3 and RFC 9941 §3 use them too.
export const KexEcdhInit = message({ name: 'SSH_MSG_KEX_ECDH_INIT', number: 30, phase: 'kex', from: 'client' }, { clientPublic: bytes })
export const KexEcdhReply = message(
  { name: 'SSH_MSG_KEX_ECDH_REPLY', number: 31, phase: 'kex', from: 'server' },
  { hostKey: bytes, serverPublic: bytes, signature: bytes },
)

// draft-ietf-sshm-mlkem-hybrid-kex §2.1: C_INIT and S_REPLY
export const KexHybridInit = message({ name: 'SSH_MSG_KEX_HYBRID_INIT', number: 30, phase: 'kex', from: 'client' }, { clientPublic: bytes })
export const KexHybridReply = message(
  { name: 'SSH_MSG_KEX_HYBRID_REPLY', number: 31, phase: 'kex', from: 'server' },
  { hostKey: bytes, serverPublic: bytes, signature: bytes },
)

// RFC 4253 §8
export const KexDhInit = message({ name: 'SSH_MSG_KEXDH_INIT', number: 30, phase: 'kex', from: 'client' }, { e: mpint })
export const KexDhReply = message(
  { name: 'SSH_MSG_KEXDH_REPLY', number: 31, phase: 'kex', from: 'server' },
  { hostKey: bytes, f: mpint, signature: bytes },
)

// RFC 4419 §3 and §5
export const KexDhGexRequestOld = message(
  { name: 'SSH_MSG_KEX_DH_GEX_REQUEST_OLD', number: 30, phase: 'kex', from: 'client' },
  { n: uint32 },
)
export const KexDhGexRequest = message(
  { name: 'SSH_MSG_KEX_DH_GEX_REQUEST', number: 34, phase: 'kex', from: 'client' },
  { min: uint32, n: uint32, max: uint32 },
)
export const KexDhGexGroup = message({ name: 'SSH_MSG_KEX_DH_GEX_GROUP', number: 31, phase: 'kex', from: 'server' }, { p: mpint, g: mpint })
export const KexDhGexInit = message({ name: 'SSH_MSG_KEX_DH_GEX_INIT', number: 32, phase: 'kex', from: 'client' }, { e: mpint })
export const KexDhGexReply = message(
  { name: 'SSH_MSG_KEX_DH_GEX_REPLY', number: 33, phase: 'kex', from: 'server' },
  { hostKey: bytes, f: mpint, signature: bytes },
)
