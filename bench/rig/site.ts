// Owns a site as the bench sees it: a process that answers calls, be it a Node process that runs a bundle of ours or another
// program that speaks the same lines. Knows nothing of what the calls do.
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { type Running, start, withinSeconds } from '../../interop/rig/process.ts'
import { bundleFolder } from './build.ts'

export interface Site extends AsyncDisposable {
  readonly pid: number
  /** Whether it is in JavaScript, and so can profile itself. */
  readonly inspectable: boolean
  /** Rejects with the site's own error, or with its log when it ended or takes longer than `seconds`, 60 by default. */
  call<T>(name: string, args?: unknown, seconds?: number): Promise<T>
}

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

const defaultSeconds = 60

const talkTo = (running: Running, inspectable: boolean): Site => {
  const { name } = running
  const waiting = new Map<number, { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void }>()
  createInterface({ input: running.stdout }).on('line', line => {
    const { id, result, error } = JSON.parse(line) as Answer
    const call = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) call?.resolve(result)
    else call?.reject(new Error(`${name}: ${error}`))
  })
  void running.exited.then(() => {
    for (const call of waiting.values()) call.reject(new Error(`${name} ended.\n${running.log()}`))
  })
  let last = 0
  return {
    pid: running.pid,
    inspectable,
    call: async <T>(call: string, args: unknown = {}, seconds = defaultSeconds) => {
      if (running.ended) throw new Error(`${name} ended.\n${running.log()}`)
      const id = ++last
      const answer = new Promise<unknown>((resolve, reject) => waiting.set(id, { resolve, reject }))
      running.stdin.write(`${JSON.stringify({ id, call, args })}\n`)
      return (await withinSeconds(seconds, answer, () => `${name} did not answer "${call}" within ${seconds} s.\n${running.log()}`)) as T
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}

/** Starts `sites/NAME.ts`, as bundled, with `options` as its one argument. */
export const startSite = async (name: string, options: object = {}, env: Readonly<Record<string, string>> = {}): Promise<Site> =>
  talkTo(await start([process.execPath, '--expose-gc', join(bundleFolder, `${name}.js`), JSON.stringify(options)], { name, env }), true)

/** Starts another program that answers calls. */
export const startProgram = async (name: string, command: readonly string[]): Promise<Site> => talkTo(await start(command, { name }), false)
