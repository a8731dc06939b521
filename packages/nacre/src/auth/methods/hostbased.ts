// Owns the method "hostbased" (RFC 4252 §9), both sides: a host vouches for its user with a signature over the session.
// Knows nothing of where host keys come from, of how hosts are named, or of which host is believed.
import type { SignatureProof } from '../../algorithms/rows.ts'
import { SshError } from '../../errors.ts'
import { bytes, decode, encode, struct, text } from '../../wire/codec.ts'
import { ask } from '../../wire/dialogue.ts'
import { type AuthMethod, outcomeOf, type ServerTurn, settled } from '../method.ts'
import type { Credential, SignatureQuestion } from '../questions.ts'
import { blobType, keyTypeOf, signatureBlobName, signatureNameOf, unfitSignature } from '../signature-names.ts'
import { type SignedSession, signedStart, startOf } from '../signed-request.ts'

// RFC 4252 §9
const requestDetails = struct({ algorithmName: text, publicKey: bytes, clientHost: text, clientUser: text, signature: bytes })

/** RFC 4252 §9: what the signature is made over. */
const signedFields = struct({
  ...signedStart,
  algorithmName: text,
  publicKey: bytes,
  clientHost: text,
  clientUser: text,
})

/** What a host says of itself and of its user. */
interface HostClaim {
  readonly algorithmName: string
  readonly publicKey: Uint8Array
  readonly clientHost: string
  readonly clientUser: string
}

/** The bytes a hostbased proof signs. */
export const hostbasedSignedData = (session: SignedSession, { algorithmName, publicKey, clientHost, clientUser }: HostClaim): Uint8Array =>
  encode(signedFields, {
    ...startOf(session, 'hostbased'),
    algorithmName,
    publicKey,
    clientHost,
    clientUser,
  })

export const hostbased: AuthMethod<Extract<Credential, { method: 'hostbased' }>> = {
  name: 'hostbased',
  messages: [],
  *client(turn, credential) {
    const { algorithm, publicKey, clientHost, clientUser } = credential
    const claim: HostClaim = { algorithmName: algorithm, publicKey, clientHost, clientUser }
    const question: SignatureQuestion = { is: 'signature', credential, data: hostbasedSignedData(turn.run, claim) }
    const signature = yield* ask(question)
    if (signature === undefined) return { is: 'abandoned', note: 'no signature could be made with this host key' }
    const unfit = unfitSignature(algorithm, signature)
    if (unfit !== undefined) return { is: 'abandoned', note: unfit }
    yield* turn.request('hostbased', requestDetails, { ...claim, signature })
    return outcomeOf(yield* turn.reply(), `as ${clientUser} of ${clientHost}`)
  },
  *server(turn, input) {
    const { signature, ...claim } = decode(requestDetails, input)
    const { algorithmName: algorithm, publicKey, clientHost, clientUser } = claim
    // Nobody is asked about a host that does not hold its key: what a verdict says of a name is not for all to try out.
    if (!acceptable(turn, algorithm, publicKey)) {
      turn.run.untaken?.({ user: turn.user, method: 'hostbased', algorithm, publicKey })
      return { is: 'failed' }
    }
    if (provenBy(turn, claim, signature) === undefined) return { is: 'failed' }
    const fingerprint = turn.run.fingerprint(publicKey)
    return settled('hostbased', yield* turn.judge({ method: 'hostbased', algorithm, publicKey, fingerprint, clientHost, clientUser }))
  },
}

/** The algorithm is one we take from hosts, and the key is of the type it works with. The same for every user. */
const acceptable = (turn: ServerTurn, algorithm: string, publicKey: Uint8Array): boolean => {
  const { hostbasedAlgorithms, acceptedAlgorithms } = turn.run
  return (hostbasedAlgorithms ?? acceptedAlgorithms).includes(algorithm) && blobType(publicKey) === keyTypeOf(algorithm)
}

const provenBy = (turn: ServerTurn, claim: HostClaim, signature: Uint8Array): SignatureProof | undefined => {
  const { algorithmName: algorithm, publicKey } = claim
  const data = hostbasedSignedData({ sessionId: turn.run.sessionId, user: turn.user, service: turn.service }, claim)
  try {
    return signatureBlobName(signature) === signatureNameOf(algorithm) ? turn.run.prove(publicKey, algorithm, data, signature) : undefined
  } catch (error) {
    // A key or signature that cannot be read proves nothing; what is not ours to judge goes on upwards.
    if (error instanceof SshError) return undefined
    throw error
  }
}
