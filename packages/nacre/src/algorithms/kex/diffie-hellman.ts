// Owns what all finite-field Diffie-Hellman methods share: checks of public values and secrets, the size of exponents.
// Knows no messages and no particular group.
import type { DhAgreement } from '../../crypto/provider.ts'
import { ask, type Dialogue } from '../../wire/dialogue.ts'
import { compute, type DhGroup, type KexRun } from '../rows.ts'
import { bitLength, trimmed } from '../signature/integers.ts'
import { invalidValue, onPeerValue, type Peer } from './peer-values.ts'

/** Twice the 256 bits that the strongest cipher promises; no group we take resists more (RFC 4419 §6.2). */
const exponentBits = 512

/** Our side in `group`. Large groups are slow: whoever runs the dialogue decides where it is computed. */
export function* ourSide(run: KexRun, group: DhGroup): Dialogue<DhAgreement> {
  return yield* ask(compute(() => run.crypto.dh(group, Math.min(exponentBits, bitLength(group.p) - 1), run.random)))
}

/** The raw secret with `theirs`, a value of the peer's that `publicValue` has checked. */
export function* agreed(mine: DhAgreement, peer: Peer, theirs: Uint8Array): Dialogue<Uint8Array> {
  const secret = yield* ask(compute(() => onPeerValue(peer, 'Diffie-Hellman public value', () => mine.agree(theirs))))
  if (isAtMostOne(secret)) throw invalidValue(`The ${peer}'s Diffie-Hellman public value makes a shared secret that everybody knows.`)
  return secret
}

/** A copy of the peer's value (`e` or `f`), which outlives the step. It must be 1 < y < p - 1 (RFC 4253 §8, RFC 8268 §4). */
export const publicValue = (group: DhGroup, peer: Peer, value: Uint8Array): Uint8Array => {
  const allowed = 'it must lie between 1 and p - 1'
  if (isAtMostOne(value)) throw invalidValue(`The ${peer}'s Diffie-Hellman public value is ${trimmed(value).length}; ${allowed}.`)
  if (compare(value, lessOne(group.p)) >= 0) {
    throw invalidValue(
      `The ${peer}'s Diffie-Hellman public value of ${bitLength(value)} bits is too large for the group of ${bitLength(group.p)} bits; ${allowed}.`,
    )
  }
  return value.slice()
}

/** 1 < g < p - 1, for a group that the peer chose. */
export const isGenerator = (group: DhGroup): boolean => !isAtMostOne(group.g) && compare(group.g, lessOne(group.p)) < 0

const isAtMostOne = (magnitude: Uint8Array): boolean => bitLength(magnitude) <= 1

/** p - 1, for an odd p. */
const lessOne = (odd: Uint8Array): Uint8Array => {
  const even = odd.slice()
  even[even.length - 1] &= 0xfe
  return even
}

/** The sign of left - right. Both are public. */
const compare = (left: Uint8Array, right: Uint8Array): number => {
  const a = trimmed(left)
  const b = trimmed(right)
  if (a.length !== b.length) return a.length - b.length
  const at = a.findIndex((byte, i) => byte !== b[i])
  return at === -1 ? 0 : a[at] - b[at]
}
