// Owns writing transcripts into files on Node. Knows nothing of what stands in them.
import { appendFileSync, writeFileSync } from 'node:fs'
import type { Transcript } from '../engine/config.ts'
import { transcriptLines } from '../engine/transcript.ts'

/**
 * Writes each conversation as a file that `npm run replay` and `nacre/testing` read: the first to `path`, the next to
 * `path.2`, and so on. Existing files are replaced; only their owner may read them. Throws what the file system says.
 */
export const transcriptTo = (path: string): Transcript => {
  let conversations = 0
  return config => {
    conversations++
    const file = conversations === 1 ? path : `${path}.${conversations}`
    // Each time: Deno gives a file that is appended to the mode it would have given a new one.
    const mode = 0o600
    writeFileSync(file, '', { mode })
    // Line by line, since a program may end at any moment and its last packets are what one wants to see.
    return transcriptLines(line => appendFileSync(file, `${line}\n`, { mode }))(config)
  }
}

/** The option that the environment variable NACRE_TRACE asks for: a file to write transcripts to. */
export const environmentTranscript = (
  environment: Readonly<Record<string, string | undefined>> = process.env,
): { readonly transcript?: Transcript } => {
  const path = environment.NACRE_TRACE
  return path === undefined || path === '' ? {} : { transcript: transcriptTo(path) }
}
