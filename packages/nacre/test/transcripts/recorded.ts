// Owns finding and reading the transcripts that are kept here. Knows nothing of what is asserted about them.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseTranscript, type RecordedConversation } from '../../src/testing/transcript.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))

export interface Kept {
  /** Below this folder, without its ending: `peer/role-case`, or just a name for a trace. */
  readonly name: string
  readonly recorded: RecordedConversation
}

const read = (name: string): Kept => ({ name: name.slice(0, -'.jsonl'.length), recorded: parseTranscript(readFileSync(join(folder, name), 'utf8')) })

/** All of them, by name. */
export const kept = (): readonly Kept[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.jsonl'))
    .map(name => name.replaceAll('\\', '/'))
    .sort()
    .map(read)
