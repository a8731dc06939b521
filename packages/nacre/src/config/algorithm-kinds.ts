// Owns the kinds of lists of algorithms: a cipher list has ciphers in it, and what nobody knows is refused with file and line.
// Knows nothing of which keyword uses which, nor of what is negotiated.
import { withCertificates } from '../algorithms/certificate-names.ts'
import { ciphers } from '../algorithms/cipher/table.ts'
import { keyExchanges } from '../algorithms/kex/table.ts'
import { macs } from '../algorithms/mac/table.ts'
import { signatureAlgorithms } from '../algorithms/signature/table.ts'
import { algorithmsOf } from './kinds.ts'

const cipherNames = algorithmsOf('cipher', ciphers)
const macNames = algorithmsOf('MAC', macs)
const keyExchangeNames = algorithmsOf('key exchange method', keyExchanges)
const authoritySignatures = algorithmsOf('CA signature algorithm', signatureAlgorithms)
const signatures = algorithmsOf('signature algorithm', withCertificates(signatureAlgorithms))

/** Of ssh_config and of sshd_config. */
export const algorithmLists = { cipherNames, macNames, keyExchangeNames, authoritySignatures, signatures } as const
