// Owns a session of `sftp` without a process: our server over files in memory, joined by streams, and what was said.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { openSftp } from 'nacre/sftp'
import { type Files, memoryFiles, serveSftp } from 'nacre/sftp/server'
import type { Environment } from '../../src/environment.ts'
import { readSftpCall, readSftpLine } from '../../src/sftp/options.ts'
import { Session } from '../../src/sftp/session.ts'
import { runLine } from '../../src/sftp/table.ts'
import { pipeOfStreams } from '../../src/transfer/pipes.ts'

export interface World extends AsyncDisposable {
  readonly session: Session
  /** A folder of this machine, where the session is. */
  readonly folder: string
  /** Runs lines, and gives what was said since: standard output, standard error, how the last ended. */
  run(...lines: readonly string[]): Promise<{ readonly out: string; readonly err: string; readonly end: string }>
}

const caught = (): { readonly stream: PassThrough; take(): string } => {
  const stream = new PassThrough()
  const take = (): string => {
    let text = ''
    for (let chunk: unknown = stream.read(); chunk !== null; chunk = stream.read()) text += String(chunk)
    return text
  }
  return { stream, take }
}

/** `argv`: letters of `sftp`. */
export const world = (...argv: readonly string[]): Promise<World> => worldOf(memoryFiles(), ...argv)

export const worldOf = async (files: Files, ...argv: readonly string[]): Promise<World> => {
  const [there, back] = [new PassThrough(), new PassThrough()]
  const served = serveSftp(pipeOfStreams(there, back), files)
  const sftp = await openSftp(pipeOfStreams(back, there))
  const [stdout, stderr] = [caught(), caught()]
  const environment: Environment = {
    program: 'sftp',
    variables: { HOME: tmpdir(), SHELL: '/bin/sh' },
    stdin: new PassThrough(),
    stdout: stdout.stream,
    stderr: stderr.stream,
  }
  const { settings } = readSftpCall(readSftpLine([...argv, 'host']))
  const session = new Session(sftp, settings, environment, new AbortController().signal)
  await session.begin()
  const before = process.cwd()
  const folder = mkdtempSync(join(tmpdir(), 'nacre-sftp-'))
  session.enter(folder)
  return {
    session,
    folder,
    async run(...lines) {
      let end = 'next'
      for (const line of lines) end = await runLine(session, line, { echo: true, strict: settings.batch !== undefined })
      return { out: stdout.take(), err: stderr.take(), end }
    },
    async [Symbol.asyncDispose]() {
      await sftp.close()
      back.end()
      there.end()
      await served.catch(() => {})
      process.chdir(before)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
