// Owns LocalCommand: what runs here once somebody is logged in there. Knows nothing of the connection.
import { spawnClean } from '../spawn.ts'
import type { SshConfig } from './options.ts'

/** What `%T` is without a tunnel. */
const noTunnel = 'NONE'

/**
 * Runs the command by the person's shell and waits for its end, if it is permitted. What becomes of it changes nothing. Rejects with
 * the reason of `signal`, which ends the waiting. `device` is what `%T` stands for, the tunnel's.
 */
export const runLocalCommand = async (
  { config, expand }: Pick<SshConfig, 'config' | 'expand'>,
  signal?: AbortSignal,
  device: string = noTunnel,
): Promise<void> => {
  if (!config.permitLocalCommand || config.localCommand === undefined) return
  const child = spawnClean(process.env.SHELL ?? '/bin/sh', ['-c', expand(config.localCommand, 'command', { T: device })], {
    stdio: ['inherit', 'inherit', 'inherit'],
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  child.once('error', () => resolve())
  child.once('close', () => resolve())
  signal?.addEventListener('abort', () => resolve(), { once: true })
  await promise
  signal?.throwIfAborted()
}
