// Every fuzz target over its kept inputs, over all that was ever found in it, and over a few fresh ones. A longer search is
// `npm run fuzz`; NACRE_FUZZ_RUNS and NACRE_FUZZ_SEED change the fresh inputs here.
import { describe, it } from 'node:test'
import { mutated } from '../../../../fuzz/rig/mutate.ts'
import { findingsOf, keptInputs } from '../../../../fuzz/rig/store.ts'
import { targets } from '../../../../fuzz/targets.ts'
import { seededRandom } from '../../src/testing/random.ts'

const runs = Number(process.env.NACRE_FUZZ_RUNS ?? 20)
const seed = Number(process.env.NACRE_FUZZ_SEED ?? 1)

for (const { name, seeds, words = [], generate, mutate, run, maximumLength = 4096 } of targets) {
  describe(`fuzzed: ${name}`, () => {
    const repeat = async (input: Uint8Array, which: string): Promise<void> => {
      try {
        await run(input, () => {})
      } catch (error) {
        throw new Error(`${which}: ${Buffer.from(input).toString('hex')}`, { cause: error })
      }
    }
    const kept = [...seeds(), ...keptInputs(name)]
    it(`${kept.length} kept inputs`, async () => {
      for (const input of kept) await repeat(input, 'kept input')
    })
    for (const finding of findingsOf(name)) it(`was found: ${finding.what}`, () => repeat(finding.input, finding.name))
    it('fresh inputs', async () => {
      const random = seededRandom(seed)
      const texts = words.map(word => new TextEncoder().encode(word))
      for (let left = runs; left > 0; left--) {
        const base = random.pick(kept)
        const input =
          generate !== undefined && random.oneIn(3)
            ? generate(random)
            : mutate !== undefined && random.oneIn(2)
              ? mutate(base, random)
              : mutated(base, random, random.pick(kept), texts)
        await repeat(input.subarray(0, maximumLength), `seed ${seed}, ${left} before the last of ${runs}`)
      }
    })
  })
}
