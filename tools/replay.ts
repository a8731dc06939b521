// Owns `npm run replay -- FILE`: replays a transcript as a test, and with `--keep` makes it one for good. Knows nothing of
// how a replay goes.
import assert from 'node:assert/strict'
import { copyFileSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseTranscript, replay } from '../packages/nacre/src/testing/index.ts'

const kept = fileURLToPath(new URL('../packages/nacre/test/transcripts', import.meta.url))
const [file] = process.argv.slice(2).filter(each => !each.startsWith('--'))

if (file === undefined) {
  console.error('replay: which transcript? Record one with NACRE_TRACE=file, then: npm run replay -- file [--keep]')
  process.exitCode = 2
} else {
  const recorded = parseTranscript(readFileSync(file, 'utf8'))
  for (const chunk of ['whole', 'bytes', 'random'] as const) {
    it(`${basename(file)}, ${chunk}`, () => assert.equal(replay(recorded, { chunk }), undefined))
  }
  if (process.argv.includes('--keep')) {
    const copy = join(kept, basename(file).endsWith('.jsonl') ? basename(file) : `${basename(file)}.jsonl`)
    copyFileSync(file, copy)
    console.log(`kept as ${copy}; ${join(kept, 'replay.test.ts')} replays it from now on`)
  }
}
