// Owns writing transcripts into files on Node. Knows nothing of what stands in them.
import { appendFileSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Transcript } from '../engine/config.ts'
import { transcriptLines } from '../engine/transcript.ts'

export interface TranscriptFileOptions {
  /** The name of each file; `number` counts conversations from 1. Default: `path`, then `path.2`, and so on. */
  readonly name?: (path: string, number: number) => string
  /**
   * Told once for a conversation whose file cannot be written; the conversation goes on without it. Default: what the file
   * system says is thrown, and ends the conversation.
   */
  readonly onError?: (error: unknown) => void
}

const usualName = (path: string, number: number): string => (number === 1 ? path : `${path}.${number}`)

/** Nobody else can have laid a link where the file goes, and nobody else may read it. */
const createPrivate = (file: string): void => {
  rmSync(file, { force: true })
  writeFileSync(file, '', { mode: 0o600, flag: 'wx' })
}

/**
 * Writes each conversation as a file that `npm run replay` and `nacre/testing` read. Existing files are replaced; only their
 * owner may read them.
 */
export const transcriptTo = (path: string, { name = usualName, onError }: TranscriptFileOptions = {}): Transcript => {
  const absolute = resolve(path)
  let conversations = 0
  return config => {
    const file = name(absolute, ++conversations)
    let failed = false
    const attempt = (act: () => void): void => {
      if (failed) return
      try {
        act()
      } catch (error) {
        if (onError === undefined) throw error
        failed = true
        onError(error)
      }
    }
    attempt(() => createPrivate(file))
    // Line by line, since a program may end at any moment and its last packets are what one wants to see. The mode each time:
    // Deno gives a file that is appended to the one it would have given a new file.
    return transcriptLines(line => attempt(() => appendFileSync(file, `${line}\n`, { mode: 0o600 })))(config)
  }
}

/** The option that the environment variable NACRE_TRACE asks for: a file to write transcripts to. */
export const environmentTranscript = (
  environment: Readonly<Record<string, string | undefined>> = process.env,
  options: TranscriptFileOptions = {},
): { readonly transcript?: Transcript } => {
  const path = environment.NACRE_TRACE
  return path === undefined || path === '' ? {} : { transcript: transcriptTo(path, options) }
}
