// Owns running the command that an agent lives for, with our streams. Knows nothing of agents.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import type { Environment } from '../environment.ts'
import { systemText } from '../fatal.ts'

/** Its exit code, or 128 and the number of the signal that ended it, as shells say; 1 when it cannot be started. */
export const runCommand = (
  [program, ...args]: readonly string[],
  added: Record<string, string>,
  environment: Environment,
): Promise<number> =>
  new Promise(resolve => {
    const child = spawn(program, args, { stdio: 'inherit', env: { ...environment.variables, ...added } })
    child.on('error', error => {
      environment.stderr.write(`${program}: ${systemText(error)}\n`)
      resolve(1)
    })
    child.on('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
  })
