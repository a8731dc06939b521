// Owns the shape of an operation of `ssh-keygen`. Knows none of them.
import type { Environment } from '../environment.ts'
import type { KeygenCall } from './call.ts'

export interface Operation {
  /** What people call it. */
  readonly name: string
  /** The command line asks for it. The first of the table that says so runs. */
  wanted(call: KeygenCall): boolean
  /** Runs it to its exit code. Throws `FatalError` and `UsageError`. */
  run(call: KeygenCall, environment: Environment): Promise<number>
}
