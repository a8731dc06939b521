// Owns what there is to measure beside on this machine: which peers are installed, in which versions, and why one is not
// there. Knows nothing of what is measured.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nativeCryptoFault } from 'nacre/crypto/node'
import { benchFolder, buildGo, goHasFiles } from './build.ts'
import { buildSsh2Addon } from './ssh2-addon.ts'

/** Debian's Python, which has the packages that apt installs. */
const python = '/usr/bin/python3'
export const asyncSshCommand: readonly string[] = [python, fileURLToPath(new URL('../peers/asyncssh_site.py', import.meta.url))]

export interface Peers {
  /** ssh2 with its native addon. */
  readonly ssh2Addon: boolean
  readonly go: boolean
  /** Whether the program in Go can move files. */
  readonly goFiles: boolean
  readonly rclone: boolean
  readonly asyncSsh: boolean
  /** Our own accelerator. */
  readonly accelerator: boolean
  /** What there is, with versions, and what there is not, with the reason: a sentence each. */
  readonly remarks: readonly string[]
}

/** What a program prints first, on whichever output, or `undefined` when it fails. */
const firstLine = (command: string, ...args: readonly string[]): string | undefined => {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  return status === 0 ? (stdout.trim() || stderr.trim()).split('\n')[0] : undefined
}

const versionOf = (name: string): string =>
  (JSON.parse(readFileSync(join(benchFolder, 'node_modules', name, 'package.json'), 'utf8')) as { version: string }).version

const debianVersion = (name: string): string =>
  firstLine('dpkg-query', '-W', '-f', '${Version}', name)?.replace(/^.*:/, '') ?? 'of unknown version'

/** Builds what has to be built and looks for the rest. */
export const findPeers = (): Peers => {
  const addonFault = buildSsh2Addon()
  const goFault = buildGo()
  const asyncSsh = firstLine(python, '-c', 'import asyncssh; print(asyncssh.__version__)')
  const acceleratorFault = nativeCryptoFault()
  const rclone = firstLine('rclone', 'version')
  const goVersion = firstLine('go', 'version')?.replace(/^go version go(\S+).*/, '$1')
  const crypto = debianVersion('golang-golang-x-crypto-dev')
  return {
    ssh2Addon: addonFault === undefined,
    go: goFault === undefined,
    goFiles: goFault === undefined && goHasFiles,
    rclone: rclone !== undefined,
    asyncSsh: asyncSsh !== undefined,
    accelerator: acceleratorFault === undefined,
    remarks: [
      `Node ${process.versions.node} with OpenSSL ${process.versions.openssl}.`,
      `${firstLine('ssh', '-V') ?? 'OpenSSH is not installed'}.`,
      `ssh2 ${versionOf('ssh2')}, ${addonFault === undefined ? 'with its addon compiled for this Node' : `without its addon: ${addonFault}`}.`,
      goFault === undefined
        ? `Go ${goVersion ?? '?'} with x/crypto ${crypto}${goHasFiles ? ` and pkg/sftp ${debianVersion('golang-github-pkg-sftp-dev')}` : ', without pkg/sftp (apt: golang-github-pkg-sftp-dev)'}.`
        : `Go is left out (apt: golang-go, golang-golang-x-crypto-dev): ${goFault}`,
      rclone === undefined ? 'rclone is left out (apt: rclone): it is not installed.' : `${rclone}.`,
      asyncSsh === undefined ? 'AsyncSSH is left out (apt: python3-asyncssh): it is not installed.' : `AsyncSSH ${asyncSsh}.`,
      acceleratorFault === undefined
        ? 'The accelerator @nacre/native is there.'
        : `The accelerator @nacre/native is left out: ${acceleratorFault}`,
    ],
  }
}
