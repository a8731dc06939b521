// Owns standard input as a whole: its text, and its bytes as they come. Knows nothing of what they mean.
import type { Environment } from '../environment.ts'

/** All of it. */
export const textOf = async (environment: Environment): Promise<string> => {
  const chunks: Uint8Array[] = []
  for await (const chunk of bytesOf(environment)) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

/** As it comes. */
export async function* bytesOf(environment: Environment): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of environment.stdin) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk
}
