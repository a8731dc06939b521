// Owns a client's end of host key rotation (OpenSSH's PROTOCOL, 2.5): reading what a server announced, asking for proofs and
// checking them. Knows nothing of where keys are remembered.
import { hostkeysProve } from '../connection/global-requests/hostkeys.ts'
import type { CryptoProvider } from '../crypto/provider.ts'
import { HostKeyError, KeyFormatError, ProtocolError, WireError } from '../errors.ts'
import type { Link } from '../io/link.ts'
import { isCertificateType } from '../keys/certificate-names.ts'
import { checkHostKeyProof } from '../keys/host-key-proof.ts'
import { parsePublicKey, type PublicKey } from '../keys/public.ts'
import { decode } from '../wire/codec.ts'
import type { AnnouncedHostKeys } from './policy.ts'

/** What the proofs are checked with. */
export interface ProofTerms {
  readonly crypto: CryptoProvider
  readonly minimumRsaBits?: number | undefined
}

/** A key, or `undefined` for a blob that nobody here could use: certificates and unknown types among them. */
const usableKey = (blob: Uint8Array): PublicKey | undefined => {
  try {
    const key = parsePublicKey(blob)
    return key.numbers === undefined || isCertificateType(key.type) ? undefined : key
  } catch (error) {
    if (error instanceof KeyFormatError || error instanceof WireError) return undefined
    throw error
  }
}

/** What the server signed for `keys`, in their order. */
const proofsFor = async (link: Link, keys: readonly PublicKey[]): Promise<readonly Uint8Array[]> => {
  const reply = await link.request(hostkeysProve, { hostKeys: keys.map(key => key.blob) })
  try {
    const { signatures } = decode(hostkeysProve.reply, reply)
    if (signatures.length === keys.length) return signatures
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
  }
  throw new ProtocolError(
    'malformed-message',
    `The server answered ${hostkeysProve.name} with something else than a signature for each key.`,
  )
}

const prove = async (link: Link, keys: readonly PublicKey[], terms: ProofTerms): Promise<readonly PublicKey[]> => {
  if (keys.length === 0) return []
  const signatures = await proofsFor(link, keys)
  const { sessionId } = link.engine
  const { agreed } = link
  if (sessionId === undefined || agreed === undefined) throw new TypeError('a server cannot announce keys before there is a session')
  return keys.filter((key, index) => {
    const verdict = checkHostKeyProof(terms.crypto, {
      key,
      sessionId,
      agreedHostKeyAlgorithm: agreed.hostKey,
      signature: signatures[index],
      ...(terms.minimumRsaBits === undefined ? {} : { minimumRsaBits: terms.minimumRsaBits }),
    })
    if (verdict === 'wrong') {
      throw new HostKeyError(
        'HOST_KEY_REFUSED',
        `The server announced the ${key.type} key ${key.fingerprint()} and could not prove that it has it. None of what it announced is remembered.`,
        { fingerprint: key.fingerprint(), keyType: key.type },
      )
    }
    return verdict === 'proven'
  })
}

/** The keys of an announcement, each once, without those nobody could use. */
export const announcedKeys = (blobs: readonly Uint8Array[], link: Link, terms: ProofTerms): AnnouncedHostKeys => {
  const keys: PublicKey[] = []
  for (const blob of blobs) {
    const key = usableKey(blob)
    if (key !== undefined && !keys.some(each => each.equals(key))) keys.push(key)
  }
  return { keys, prove: some => prove(link, some, terms) }
}
