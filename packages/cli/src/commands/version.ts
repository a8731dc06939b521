// Owns `nacre version`: one line with the versions that a report of a fault needs. Knows nothing else.
import manifest from '../../package.json' with { type: 'json' }
import type { Run } from '../environment.ts'

/** Prints `nacre 0.1.0, Node 26.9.0, OpenSSL 3.5.8 (linux x64)`. */
export const run: Run = async (_argv, environment) => {
  const { node, openssl } = process.versions
  environment.stdout.write(`nacre ${manifest.version}, Node ${node}, OpenSSL ${openssl} (${process.platform} ${process.arch})\n`)
  return 0
}
