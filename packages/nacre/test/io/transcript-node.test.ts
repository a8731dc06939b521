// Transcript files: for their owner only, one for each conversation, and what the environment asks for.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { environmentTranscript, transcriptTo } from '../../src/io/transcript-node.ts'
import { createPair } from '../../src/testing/pair.ts'
import { replay } from '../../src/testing/replay.ts'
import { parseTranscript } from '../../src/testing/transcript.ts'

const folder = mkdtempSync(join(tmpdir(), 'nacre-'))
after(() => rmSync(folder, { recursive: true }))

describe('a transcript file', () => {
  it('is the owner’s, one for each conversation, and replays', () => {
    const path = join(folder, 'trace')
    const transcript = transcriptTo(path)
    for (let i = 0; i < 2; i++) createPair({ seed: i, client: { transcript } }).run()
    for (const file of [path, `${path}.2`]) {
      const recorded = parseTranscript(readFileSync(file, 'utf8'))
      assert.ok(recorded.packets.some(each => each.name === 'SSH_MSG_USERAUTH_SUCCESS'))
      assert.equal(replay(recorded), undefined)
      if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600)
    }
  })
  it('is written when NACRE_TRACE names one', () => {
    const path = join(folder, 'asked for')
    assert.deepEqual(environmentTranscript({}), {})
    assert.deepEqual(environmentTranscript({ NACRE_TRACE: '' }), {})
    createPair({ client: environmentTranscript({ NACRE_TRACE: path }) }).run()
    assert.ok(readFileSync(path, 'utf8').startsWith('{"transcript":1'))
  })
})
