// Owns the shape of a fuzz target and the few words all targets share: text from bytes, a choice drawn from them, and which
// errors are refusals. Knows no target and nothing of how inputs are found.
import { SshError } from '../../packages/nacre/src/errors.ts'
import type { SeededRandom } from '../../packages/nacre/src/testing/random.ts'

/** Tells the search of a state worth coming back to, beside the code that was reached: an ending, a kind of event. */
export type Note = (feature: string) => void

export interface Target {
  readonly name: string
  /** What it is given, and what must hold. */
  readonly about: string
  /** Inputs to begin with: at least one that is right. */
  readonly seeds: () => readonly Uint8Array[]
  /** A new input, made by the rules of what is read. */
  readonly generate?: (random: SeededRandom) => Uint8Array
  /** A change by those rules. */
  readonly mutate?: (input: Uint8Array, random: SeededRandom) => Uint8Array
  /** Texts that mean something here; they are put into inputs. */
  readonly words?: readonly string[]
  /** In bytes. Default 4096. */
  readonly maximumLength?: number
  /** Throws when something is wrong; the same for the same input. */
  readonly run: (input: Uint8Array, note: Note) => void | Promise<void>
}

export const asciiBytes = (text: string): Uint8Array => Uint8Array.from(text, character => character.charCodeAt(0))
export const utf8Bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
/** Every input is a text: what is no UTF-8 becomes U+FFFD. */
export const textOf = (bytes: Uint8Array): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)

/** A byte and the rest: targets that stand for several things choose by the first byte. */
export const choose = <T>(input: Uint8Array, among: readonly T[]): { readonly chosen: T; readonly rest: Uint8Array } => ({
  chosen: among[(input[0] ?? 0) % among.length],
  rest: input.subarray(1),
})

const refusalCodes =
  /^(WIRE|CONFIG|USAGE|INFLATED_TOO_LARGE|AGENT_(UNREACHABLE|REFUSED|MALFORMED)|KEY_[A-Z_]+|KRL_[A-Z_]+|SIGNATURE_[A-Z]+|PROTOCOL_[A-Z0-9_]+|DISCONNECTED(_BY_PEER)?|CONNECTION_LOST|TIMEOUT|AUTHENTICATION_FAILED|HOST_KEY_[A-Z]+|FORWARD_[A-Z]+|SHARE_[A-Z_]+)$/

/** True for the errors that are made on purpose, with a code that is documented and a message for people. */
export const isRefusal = (error: unknown): error is SshError =>
  error instanceof SshError && refusalCodes.test(error.code) && error.message !== ''

/** Characters that must not reach a person unseen: controls, and whatever is drawn as nothing or turns text around. */
// oxlint-disable-next-line no-misleading-character-class
export const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/u

/** The result of `work`, or `undefined` when it refuses. Whatever else is thrown goes on, and so does a message that would garble a terminal. */
export const unlessRefused = <T>(work: () => T, note: Note): T | undefined => {
  try {
    return work()
  } catch (error) {
    if (!isRefusal(error)) throw error
    if (unseen.test(error.message))
      throw new Error(`a message for people holds what they cannot see: ${JSON.stringify(error.message)}`, { cause: error })
    note(error.code)
    return undefined
  }
}
