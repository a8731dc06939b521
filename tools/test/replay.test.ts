// `npm run replay`: a transcript as a test, which fails when the conversation ended in a fault that nobody said was right.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const tool = fileURLToPath(new URL('../replay.ts', import.meta.url))
const kept = fileURLToPath(new URL('../../packages/nacre/test/transcripts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'nacre-replay-'))
after(() => rmSync(folder, { recursive: true }))

const run = (...words: readonly string[]) => {
  // A test inside a test would report to its runner instead of to us.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  return spawnSync(process.execPath, ['--conditions=nacre-source', tool, ...words], { encoding: 'utf8', env, timeout: 60_000 })
}

/** A conversation in which we ended the connection, as if nobody had said that this was right. */
const faulty = (): string => {
  const [header = '', ...lines] = readFileSync(join(kept, 'asyncssh/client-opens-in-exchange.jsonl'), 'utf8').split('\n')
  const { expects: _, ...rest } = JSON.parse(header) as { expects: string }
  const file = join(folder, 'faulty')
  // Its last line is cut off, as by a program that was killed.
  writeFileSync(file, [JSON.stringify(rest), ...lines.filter(line => !line.startsWith('{"wire"')), '{"at":17,"dir'].join('\n'))
  return file
}

describe('npm run replay', () => {
  it('passes for a conversation that goes as it went', () => {
    const { status, stdout } = run(join(kept, 'traces/nacre-ssh-openssh-9.2.jsonl'))
    assert.equal(status, 0, stdout)
    assert.match(stdout, /^29 packets$/m)
    assert.match(stdout, /pass 3/)
  })
  it('fails for one that ended in a fault, and says by which', () => {
    const { status, stdout } = run(faulty())
    assert.equal(status, 1, stdout)
    assert.match(stdout, /it ended by message-during-key-exchange, which we saw/)
    assert.match(stdout, /packet \d+ should be\n\s+the connection goes on/)
    assert.match(stdout, /we ended it: The peer sent SSH_MSG_CHANNEL_OPEN at the wrong time/)
  })
  it('passes for the same when the fault is said to be right', () => {
    const { status, stdout } = run(faulty(), '--expects', 'message-during-key-exchange')
    assert.equal(status, 0, stdout)
  })
  it('without a file says how it is used', () => {
    const { status, stderr } = run()
    assert.equal(status, 2)
    assert.match(stderr, /--keep/)
  })
})
