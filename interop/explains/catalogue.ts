// Owns how a broken set-up becomes a test: what a person runs, what is then told, and what that must name. Knows none of the
// set-ups. `NACRE_EXPLAINS=show` prints what is told in every case, for people to judge the words.
import assert from 'node:assert/strict'
import { after, describe } from 'node:test'
import { setTimeout as later } from 'node:timers/promises'
import type { ClientRequest, Login, PeerServer } from '../peers/peer.ts'
import { finish } from '../rig/process.ts'
import { test } from '../rig/test.ts'
import { nacre, nacreSshCommand } from '../sites/commands.ts'

/** What a person is told. */
export interface Told {
  readonly exit: number | null
  /** What is shown anyway. */
  readonly message: string
  /** What `-v` adds, without its prefix. */
  readonly steps: readonly string[]
  readonly code: string | undefined
  readonly output: string
}

export interface Case {
  /** What is broken, in a few words: the name of the test. */
  readonly broken: string
  readonly run: () => Promise<Told>
  /** What the message must name: the cause, and what to do. */
  readonly says: readonly RegExp[]
  /** Causes that are not true here, and words that must not be seen. */
  readonly never?: readonly RegExp[]
  /** What only `-v` tells. */
  readonly steps?: readonly RegExp[]
  /** The stable code of the error; a failure that is none has none. */
  readonly code?: string
  /** 255 unless said otherwise. */
  readonly exit?: number
  readonly skip?: string | false
}

const codeLine = /^the code of this error is (\w+)$/

/** Parts what was written to standard error into what is always shown and what only `-v` shows. */
export const toldBy = (exit: number | null, stderr: string, output: string): Told => {
  const lines = stderr.replaceAll('\r\n', '\n').trimEnd().split('\n')
  const steps = lines.filter(line => line.startsWith('debug1: ')).map(line => line.slice('debug1: '.length))
  return {
    exit,
    message: lines.filter(line => !line.startsWith('debug1: ')).join('\n'),
    steps: steps.filter(step => !codeLine.test(step)),
    code: steps.map(step => codeLine.exec(step)?.[1]).find(code => code !== undefined),
    output,
  }
}

/** Runs a command of ours to its end. */
export const toldByCommand = async (words: readonly string[], env: Readonly<Record<string, string>> = {}, stdin = ''): Promise<Told> => {
  const { code, stderr, stdout } = await finish(nacre(...words), { env, stdin })
  return toldBy(code, stderr, stdout.toString())
}

export interface SshRun {
  readonly login?: Login
  readonly user?: string
  readonly port?: number
  readonly hostKeys?: readonly string[]
  readonly command?: string
  /** Options stand before the usual ones, and the first value wins. */
  readonly options?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly pty?: boolean
}

/** `nacre ssh -v` at a server, with nothing of the person who runs the tests. */
export const toldBySsh = async (to: ClientRequest['to'], run: SshRun): Promise<Told> => {
  const { command, options } = nacreSshCommand({
    to: { ...to, user: run.user ?? to.user, port: run.port ?? to.port, hostKeys: run.hostKeys ?? to.hostKeys },
    login: run.login ?? {},
    command: run.command ?? 'true',
    options: [...(run.options ?? []), 'LogLevel=DEBUG1'],
    ...(run.pty === undefined ? {} : { pty: run.pty }),
  })
  const { code, stderr, stdout } = await finish(command, { ...options, env: { ...options.env, ...run.env } })
  return toldBy(code, stderr, stdout.toString())
}

/** A server that is started when the first case needs it and goes when the file is done. */
export const shared = <S extends AsyncDisposable>(begin: () => Promise<S>): (() => Promise<S>) => {
  let begun: Promise<S> | undefined
  after(async () => {
    await (await begun?.catch(() => undefined))?.[Symbol.asyncDispose]()
  })
  return () => (begun ??= begin())
}

/** What a server's log says once it says `what`: its last lines come a moment after the client has gone. */
export const logged = async (server: PeerServer, what: readonly RegExp[]): Promise<void> => {
  for (let tries = 0; tries < 200; tries++) {
    if (what.every(each => each.test(server.process.log()))) return
    await later(25)
  }
  const log = server.process.log()
  for (const each of what) assert.match(log, each)
}

const show = (theme: string, { broken }: Case, told: Told): void => {
  const lines = [
    `── ${theme}: ${broken} (exit ${told.exit}, ${told.code ?? 'no code'})`,
    told.message,
    ...told.steps.map(step => `    ${step}`),
  ]
  process.stderr.write(`${lines.join('\n')}\n\n`)
}

/** The tests of one theme. */
export const catalogue = (theme: string, cases: readonly Case[]): void => {
  void describe(theme, { concurrency: 3 }, () => {
    for (const each of cases) {
      test(each.broken, { skip: each.skip ?? false }, async () => {
        const told = await each.run()
        if (process.env['NACRE_EXPLAINS'] === 'show') show(theme, each, told)
        for (const what of each.says) assert.match(told.message, what)
        for (const what of each.steps ?? []) assert.match(told.steps.join('\n'), what)
        for (const what of each.never ?? []) assert.doesNotMatch(told.message, what)
        assert.equal(told.code, each.code, told.message)
        assert.equal(told.exit, each.exit ?? 255, told.message)
        assert.doesNotMatch(told.message, /\n\s+at .*:\d+:\d+|undefined|\[object/, 'no stack and nothing half-made is shown to a person')
        // eslint-disable-next-line no-control-regex
        assert.doesNotMatch(told.message, /[\x00-\x08\x0b-\x1f\x7f]/, 'what a peer says is escaped')
      })
    }
  })
}
