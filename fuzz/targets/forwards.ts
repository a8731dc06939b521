// Owns the targets for forwarding: what a client of SOCKS says, and how places are written. What is taken is bounded, names a place, and
// does not depend on the pieces it comes in.
import assert from 'node:assert/strict'
import { readListenPlace, readTargetPlace, showPlace } from '../../packages/nacre/src/forward/places.ts'
import { socksDialogue, type SocksTarget } from '../../packages/nacre/src/forward/socks.ts'
import { asciiBytes, type Target, textOf, unlessRefused } from '../rig/target.ts'

/** No request is longer: 7 bytes and two texts in version 4, a greeting of 257 and a request of 262 in version 5. */
const longestRequest = 600

interface Held {
  readonly target: SocksTarget | undefined
  readonly taken: number
  readonly said: number
}

/** Holds the dialogue until it ends or wants more than there is. */
const hold = (input: Uint8Array): Held => {
  const dialogue = socksDialogue()
  let target: SocksTarget | undefined
  let taken = 0
  let said = 0
  let turn = dialogue.next()
  while (turn.done !== true) {
    const step = turn.value
    if (step.do === 'take') {
      assert.ok(step.bytes > 0 && step.bytes <= 255)
      if (taken + step.bytes > input.length) break
      taken += step.bytes
      assert.ok(taken <= longestRequest)
      turn = dialogue.next(input.slice(taken - step.bytes, taken))
    } else if (step.do === 'say') {
      said += step.bytes.length
      assert.ok(said <= 12)
      turn = dialogue.next()
    } else {
      assert.equal(target, undefined)
      target = step.target
      turn = dialogue.next('connected')
    }
  }
  return { target, taken, said }
}

const socks: Target = {
  name: 'socks',
  about: 'a request of SOCKS: refused, or one place to go to, within bounds and with nothing taken beyond it',
  words: [
    '\u0004\u0001',
    '\u0005\u0001\0',
    '\u0005\u0001\0\u0001',
    '\u0005\u0001\0\u0003',
    '\u0005\u0001\0\u0004',
    '\0\0\0\u0001',
    '\0P',
    'db.internal',
  ],
  seeds: () => [
    Uint8Array.of(4, 1, 0, 80, 127, 0, 0, 1, 97, 0),
    Uint8Array.of(4, 1, 0, 80, 0, 0, 0, 1, 0, 100, 98, 0),
    Uint8Array.of(5, 2, 0, 2, 5, 1, 0, 1, 127, 0, 0, 1, 0, 80),
    Uint8Array.of(5, 1, 0, 5, 1, 0, 3, 2, 100, 98, 0, 80),
    Uint8Array.of(5, 1, 0, 5, 1, 0, 4, 32, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80),
  ],
  run: (input, note) => {
    const held = unlessRefused(() => hold(input), note)
    if (held?.target === undefined) return
    note(`version ${held.target.version}`)
    const { host, port } = held.target
    assert.ok(port >= 1 && port <= 65_535)
    assert.match(host, /^[^\s\p{Cc}]{1,255}$/u)
    assert.deepEqual(hold(input.subarray(0, held.taken)), held)
  },
}

const place: Target = {
  name: 'forward-places',
  about: 'where to listen and where to connect to: refused, or a place that can be shown and comes back as it was',
  words: ['localhost', '*', '[::1]', ':', '8080', '65536', '/run/s', '0', '[', ']'],
  seeds: () => ['8080', ':8080', '*:0', '[::1]:80', 'db.internal:5432', '/run/db.sock'].map(asciiBytes),
  run: (input, note) => {
    const text = textOf(input)
    for (const read of [readListenPlace, readTargetPlace]) {
      const found = unlessRefused(() => read(text), note)
      if (found === undefined) continue
      note(read.name)
      assert.doesNotMatch(showPlace(found), /\p{Cc}/u)
      assert.deepEqual(read(found), found)
      if (!('path' in found)) assert.ok(found.port >= (read === readTargetPlace ? 1 : 0) && found.port <= 65_535)
    }
  },
}

export const forwardTargets: readonly Target[] = [socks, place]
