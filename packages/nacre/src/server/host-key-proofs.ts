// Owns telling clients all host keys after login and proving those they did not know (OpenSSH's PROTOCOL, 2.5), so that a
// key can be changed without anybody being warned. Knows nothing of where keys are kept.
import type { GlobalRequestQuestion } from '../connection/events.ts'
import { hostkeys, hostkeysProve } from '../connection/global-requests/hostkeys.ts'
import type { Link } from '../io/link.ts'
import { isCertificateType } from '../keys/certificate-names.ts'
import { hostKeyProofData, proofAlgorithm } from '../keys/host-key-proof.ts'
import { sameBlob } from '../keys/public.ts'
import type { Signer } from '../keys/signer.ts'
import { encode } from '../wire/codec.ts'

/**
 * Clients that end the connection when they are told: Cisco's of IOS, and Tera Term up to 2.72, as OpenSSH's own table of
 * peers has it.
 */
const takeItBadly = /^(Cisco-1\.|TTSSH\/(1\.5\.|2\.[1-6]|2\.7[0-2]))/

/** One for each server: what is announced is the same for all clients. */
export class HostKeyProofs {
  readonly #keys: readonly Signer[]
  readonly #announcement: { readonly hostKeys: readonly Uint8Array[] }

  /** Certificates are left out: what clients remember are keys. */
  constructor(keys: readonly Signer[]) {
    const plain: Signer[] = []
    for (const key of keys) {
      const { blob, type } = key.publicKey
      if (!isCertificateType(type) && !plain.some(each => sameBlob(each.publicKey.blob, blob))) plain.push(key)
    }
    this.#keys = plain
    this.#announcement = { hostKeys: plain.map(each => each.publicKey.blob) }
  }

  announce(link: Link, softwareVersion: string): void {
    if (this.#keys.length > 0 && !takeItBadly.test(softwareVersion)) link.notify(hostkeys, this.#announcement)
  }

  /** Answers, now or later: with a signature for each key, or with a refusal if one of them is not ours. `onError` hears why a key could not sign. */
  prove(question: GlobalRequestQuestion, link: Link, onError: (error: unknown) => void): void {
    const { request } = question
    const data = this.#dataFor(request.type === hostkeysProve.name ? request.value.hostKeys : [], link)
    if (data === undefined) {
      question.fail()
      return
    }
    void this.#sign(data).then(
      signatures => {
        question.succeed(encode(hostkeysProve.reply, { signatures }))
        link.wake()
      },
      (error: unknown) => {
        onError(error)
        question.fail()
        link.wake()
      },
    )
  }

  /** What is to be signed with which key. A list that names a key twice would only be work. */
  #dataFor(blobs: readonly Uint8Array[], link: Link): readonly { signer: Signer; algorithm: string; data: Uint8Array }[] | undefined {
    const { sessionId } = link.engine
    const { agreed } = link
    if (sessionId === undefined || agreed === undefined || blobs.length === 0 || blobs.length > this.#keys.length) return undefined
    const seen = new Set<Signer>()
    const wanted: { signer: Signer; algorithm: string; data: Uint8Array }[] = []
    for (const blob of blobs) {
      const signer = this.#keys.find(each => sameBlob(each.publicKey.blob, blob))
      const algorithm = signer === undefined ? undefined : proofAlgorithm(signer.algorithms, agreed.hostKey)
      if (signer === undefined || algorithm === undefined || seen.has(signer)) return undefined
      seen.add(signer)
      wanted.push({ signer, algorithm, data: hostKeyProofData(sessionId, blob) })
    }
    return wanted
  }

  async #sign(wanted: readonly { signer: Signer; algorithm: string; data: Uint8Array }[]): Promise<readonly Uint8Array[]> {
    const signatures: Uint8Array[] = []
    for (const { signer, algorithm, data } of wanted) signatures.push(await signer.sign(data, algorithm))
    return signatures
  }
}
