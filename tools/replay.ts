// Owns `npm run replay -- FILE`: replays a transcript as a test, and with `--keep` makes it one for good. Knows nothing of
// how a replay goes.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { nodeCrypto } from '../packages/nacre/src/crypto/node/provider.ts'
import { badEnd, explainDifference, parseTranscript, replay, replayWire } from '../packages/nacre/src/testing/index.ts'

const usage = `npm run replay -- FILE [--keep] [--about TEXT] [--expects FAULT]

Replays a transcript, which NACRE_TRACE=FILE made, as a test. A transcript that ended in a fault fails until the
connection goes on where it ended.

  --keep           make it a test for good, in packages/nacre/test/transcripts/traces
  --about TEXT     what it shows, kept in its first line
  --expects FAULT  the fault is right: the connection must end by it`

const folder = fileURLToPath(new URL('../packages/nacre/test/transcripts/traces', import.meta.url))

const main = (): void => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { keep: { type: 'boolean', default: false }, about: { type: 'string' }, expects: { type: 'string' } },
  })
  const [file] = positionals
  if (file === undefined) {
    console.error(usage)
    process.exitCode = 2
    return
  }
  const [header = '', ...lines] = readFileSync(file, 'utf8').split('\n')
  const remarks = {
    ...(values.about === undefined ? {} : { about: values.about }),
    ...(values.expects === undefined ? {} : { expects: values.expects }),
  }
  // What a killed program wrote last may be half a line.
  const whole = lines.filter(line => line.endsWith('}'))
  const text = [JSON.stringify({ ...(JSON.parse(header) as object), ...remarks }), ...whole].map(line => `${line}\n`).join('')
  const recorded = parseTranscript(text)
  const end = badEnd(recorded)
  console.log(
    `${recorded.packets.length} packets${end === undefined ? '' : `; it ended by ${end.what}, which ${end.by === 'us' ? 'we' : 'the peer'} saw`}`,
  )
  for (const chunk of ['whole', 'bytes', 'random'] as const) {
    it(`${basename(file)}, ${chunk}`, async () => {
      const difference = recorded.wire === undefined ? replay(recorded, { chunk }) : await replayWire(recorded, nodeCrypto(), { chunk })
      if (difference !== undefined) assert.fail(explainDifference(difference))
    })
  }
  if (!values.keep) return
  mkdirSync(folder, { recursive: true })
  const copy = join(folder, `${basename(file).replace(/\.jsonl$/, '')}.jsonl`)
  writeFileSync(copy, text)
  console.log(`kept as ${relative(process.cwd(), copy)}; packages/nacre/test/transcripts/replay.test.ts replays it from now on`)
}

main()
