// Owns the method "publickey" (RFC 4252 §7), both sides: the query, and the proof by a signature over the session.
// Knows nothing of where keys come from, how they sign, or who is allowed in with them.
import type { SecurityKeyProof, SignatureProof } from '../../algorithms/rows.ts'
import { ProtocolError, SshError } from '../../errors.ts'
import { equalBytes } from '../../crypto/constant-time.ts'
import { boolean, bytes, decode, encode, struct, text } from '../../wire/codec.ts'
import { ask, type Dialogue, send } from '../../wire/dialogue.ts'
import { UserauthPkOk } from '../messages.ts'
import { type AuthMethod, type ClientOutcome, type ClientTurn, outcomeOf, type ServerTurn, settled } from '../method.ts'
import type { Credential, SignatureQuestion } from '../questions.ts'
import { blobType, keyTypeOf, signatureBlobName, signatureNameOf, unfitSignature } from '../signature-names.ts'
import { type SignedSession, signedStart, startOf } from '../signed-request.ts'

// RFC 4252 §7: without a signature it is a query, with one the proof.
const queryDetails = struct({ hasSignature: boolean, algorithmName: text, publicKey: bytes })
const proofDetails = struct({ hasSignature: boolean, algorithmName: text, publicKey: bytes, signature: bytes })

/**
 * The name of requests that are the same with the server's key before the signature (OpenSSH PROTOCOL §3.1). Whoever signs
 * then sees to which server the login goes. Servers say in EXT_INFO that they take such; in lists it is plain publickey.
 */
export const hostBoundMethod = 'publickey-hostbound-v00@openssh.com'
const hostBoundQuery = struct({ hasSignature: boolean, algorithmName: text, publicKey: bytes, hostKey: bytes })
const hostBoundDetails = struct({ hasSignature: boolean, algorithmName: text, publicKey: bytes, hostKey: bytes, signature: bytes })

/** RFC 4252 §7: what the signature is made over. */
const signedFields = struct({
  ...signedStart,
  hasSignature: boolean,
  algorithmName: text,
  publicKey: bytes,
})

/** Fields that make the bytes a publickey proof signs, with the server's key behind them where it is named. */
const signedWithHost = struct({ request: signedFields, hostKey: bytes })

/** The bytes a publickey proof signs; with `hostKey`, those of a proof that names it. */
export const publickeySignedData = (
  session: SignedSession,
  algorithmName: string,
  publicKey: Uint8Array,
  hostKey?: Uint8Array,
): Uint8Array => {
  const request = {
    ...startOf(session, hostKey === undefined ? 'publickey' : hostBoundMethod),
    hasSignature: true,
    algorithmName,
    publicKey,
  }
  return hostKey === undefined ? encode(signedFields, request) : encode(signedWithHost, { request, hostKey })
}

type KeyCredential = Extract<Credential, { method: 'publickey' }>

export const publickey: AuthMethod<KeyCredential> = {
  name: 'publickey',
  alsoNamed: [hostBoundMethod],
  messages: [UserauthPkOk],
  *client(turn, credential) {
    if (credential.query) {
      const refused = yield* query(turn, credential)
      if (refused) return refused
    }
    const { algorithm, publicKey } = credential
    const hostKey = credential.namesHost === true ? turn.run.hostKeyToName?.() : undefined
    const data = publickeySignedData(turn.run, algorithm, publicKey, hostKey)
    const question: SignatureQuestion = { is: 'signature', credential, data }
    const signature = yield* ask(question)
    if (signature === undefined) return { is: 'abandoned', note: 'no signature could be made with this key' }
    const unfit = unfitSignature(algorithm, signature)
    if (unfit !== undefined) return { is: 'abandoned', note: unfit }
    const proof = { hasSignature: true, algorithmName: algorithm, publicKey, signature }
    if (hostKey === undefined) yield* turn.request('publickey', proofDetails, proof)
    else yield* turn.request(hostBoundMethod, hostBoundDetails, { ...proof, hostKey })
    return outcomeOf(yield* turn.reply(), likelyCause(turn, credential))
  },
  *server(turn, input, requestName) {
    const request = readRequest(requestName, input)
    const { algorithmName: algorithm, publicKey, signature } = request
    if (request.hostKey !== undefined) checkHostKey(turn, request.hostKey)
    if (!acceptable(turn, algorithm, publicKey)) {
      turn.run.untaken?.({ user: turn.user, method: 'publickey', algorithm, publicKey })
      return { is: 'failed' }
    }
    if (signature === undefined) {
      const verdict = settled('publickey', yield* turn.judge(new ShownKey(turn, algorithm, publicKey, undefined)))
      if (verdict.is === 'refuse') return verdict
      // Whatever identity the verdict carries is dropped here: nothing has been proven (RFC 4252 §7).
      yield* send(UserauthPkOk, { algorithmName: algorithm, publicKey })
      return { is: 'answered' }
    }
    const proven = provenBy(turn, request, signature)
    if (proven === undefined) return { is: 'failed' }
    return settled('publickey', yield* turn.judge(new ShownKey(turn, algorithm, publicKey, proven)))
  },
}

/**
 * A key somebody shows. Its fingerprint is only made for those who look at it. A class: a literal with a getter costs a hidden
 * class of its own each time, which then keeps all the getter knows.
 */
class ShownKey {
  readonly method = 'publickey'
  readonly algorithm: string
  readonly publicKey: Uint8Array
  readonly proven: boolean
  readonly securityKey: SecurityKeyProof | undefined
  readonly #run: ServerTurn['run']
  #fingerprint: string | undefined

  constructor({ run }: ServerTurn, algorithm: string, publicKey: Uint8Array, proof: SignatureProof | undefined) {
    this.algorithm = algorithm
    this.publicKey = publicKey
    this.proven = proof !== undefined
    this.securityKey = proof?.securityKey
    this.#run = run
  }

  get fingerprint(): string {
    return (this.#fingerprint ??= this.#run.fingerprint(this.publicKey))
  }
}

/** Asks whether the server would take the key; returns the outcome when it would not. */
function* query(turn: ClientTurn, credential: KeyCredential): Dialogue<ClientOutcome | undefined> {
  const { algorithm, publicKey } = credential
  yield* turn.request('publickey', queryDetails, { hasSignature: false, algorithmName: algorithm, publicKey })
  const reply = yield* turn.reply(UserauthPkOk)
  if (reply.is === 'SSH_MSG_USERAUTH_FAILURE') return outcomeOf(reply, likelyCause(turn, credential))
  // RFC 4252 §7: a query is answered by PK_OK or FAILURE. A server that lets us in unproven does not know who we are.
  if (reply.is === 'SSH_MSG_USERAUTH_SUCCESS')
    throw new ProtocolError('message-unexpected', 'The server answered SUCCESS to a mere question about a key.')
  if (reply.value.algorithmName !== algorithm || !equalBytes(reply.value.publicKey, publicKey)) {
    throw new ProtocolError('message-unexpected', 'The server said it would take a key that we did not ask about.')
  }
  return undefined
}

const likelyCause = (turn: ClientTurn, credential: KeyCredential): string | undefined => {
  const taken = turn.run.serverSignatureAlgorithms()
  const needed = signatureNameOf(credential.algorithm)
  return taken === undefined || taken.includes(needed)
    ? undefined
    : `the server does not list ${needed} among the signatures it takes (server-sig-algs)`
}

/** The algorithm is one we take, and the key is of the type it works with. The same for every user. */
const acceptable = (turn: ServerTurn, algorithm: string, publicKey: Uint8Array): boolean =>
  turn.run.acceptedAlgorithms.includes(algorithm) && blobType(publicKey) === keyTypeOf(algorithm)

/** A request as it came: `signature` is what makes it a proof, `hostKey` is there when it goes by the name that has one. */
interface KeyRequest {
  readonly algorithmName: string
  readonly publicKey: Uint8Array
  readonly hostKey?: Uint8Array
  readonly signature?: Uint8Array
}

const readRequest = (requestName: string, input: Uint8Array): KeyRequest => {
  // Details without a first byte are malformed, which decoding the query says.
  const signed = input.length > 0 && input[0] !== 0
  if (requestName === hostBoundMethod) return signed ? decode(hostBoundDetails, input) : decode(hostBoundQuery, input)
  return signed ? decode(proofDetails, input) : decode(queryDetails, input)
}

/** A client that names another server's key meant that server, or is not told the truth by whoever is in between. */
const checkHostKey = (turn: ServerTurn, named: Uint8Array): void => {
  if (equalBytes(named, turn.run.hostKey())) return
  throw new ProtocolError(
    'auth-host-key-wrong',
    'The client logs in to a server with another host key than the one this connection began with (publickey-hostbound).',
  )
}

/** What is proven when the signature names the algorithm of the request, and is the key's over this very session and user. */
const provenBy = (turn: ServerTurn, request: KeyRequest, signature: Uint8Array): SignatureProof | undefined => {
  const { algorithmName: algorithm, publicKey, hostKey } = request
  const session = { sessionId: turn.run.sessionId, user: turn.user, service: turn.service }
  const data = publickeySignedData(session, algorithm, publicKey, hostKey)
  try {
    return signatureBlobName(signature) === signatureNameOf(algorithm) ? turn.run.prove(publicKey, algorithm, data, signature) : undefined
  } catch (error) {
    // A key or signature that cannot be read proves nothing; what is not ours to judge goes on upwards.
    if (error instanceof SshError) return undefined
    throw error
  }
}
