// Owns taking commands from a file or a pipe, one line at a time. Knows no command and no terminal.
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { ConfigError, escapeForPeople } from 'nacre'
import { nameFromBytes } from 'nacre/sftp'
import type { Environment } from '../environment.ts'
import { reasonOf } from './failures.ts'
import type { Session } from './session.ts'
import { runLine } from './table.ts'

/** Bytes of one line, at most. */
const longest = 1024 * 1024

/** Lines of a stream of bytes, without their ends. */
export async function* linesOf(input: AsyncIterable<unknown>): AsyncGenerator<string> {
  let rest = Buffer.alloc(0)
  for await (const chunk of input) {
    rest = Buffer.concat([rest, typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Uint8Array)])
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      yield nameFromBytes(rest.subarray(0, end))
      rest = rest.subarray(end + 1)
    }
    if (rest.length > longest) throw new ConfigError(`A line of the commands is longer than ${longest} bytes.`)
  }
  if (rest.length > 0) yield nameFromBytes(rest)
}

export type Input = AsyncIterable<unknown>

/** Where commands come from: opened before anybody is asked to connect. Throws `ConfigError`. */
export const openBatch = async (name: string | undefined, environment: Environment): Promise<Input> => {
  if (name === undefined || name === '-') return environment.stdin
  try {
    const file = await open(name, 'r')
    return createReadStream(name, { fd: file })
  } catch (error) {
    throw new ConfigError(`${reasonOf(error)} (${escapeForPeople(name)}).`)
  }
}

/** Runs the lines. With `strict` an error is an end, unless the line is forgiven. Resolves with the exit code. */
export const runBatch = async (session: Session, input: Input, strict: boolean): Promise<number> => {
  for await (const line of linesOf(input)) {
    const result = await runLine(session, line, { echo: true, strict })
    if (result !== 'next') return result === 'end' ? 0 : 1
  }
  return 0
}
