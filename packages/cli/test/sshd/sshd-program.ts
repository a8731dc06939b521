// `sshd` as the launcher starts it, from source.
import { run } from '../../src/commands/sshd.ts'
import { processEnvironment } from '../../src/environment.ts'

process.exit(await run(process.argv.slice(2), processEnvironment('sshd')))
