// Owns what tests of transfers share: a session with a scripted server, a folder of this machine that goes away, bytes that differ.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { Calls } from '../../../src/sftp/client/calls.ts'
import { Requests } from '../../../src/sftp/client/requests.ts'
import { quirksOf } from '../../../src/sftp/client/quirks.ts'
import { localNode } from '../../../src/sftp/transfer/local-node.ts'
import { remoteOf } from '../../../src/sftp/transfer/remote-calls.ts'
import { Transfers } from '../../../src/sftp/transfer/transfers.ts'
import { seededRandom } from '../../../src/testing/random.ts'
import { type FarOptions, FarServer } from './misbehaving/server.ts'

const made = new Map<number, Uint8Array>()

/** `count` bytes that repeat nowhere: the first ones of a stream that is the seed's. */
export const bytesOf = (seed: number, count: number): Uint8Array => {
  let all = made.get(seed)
  if (all === undefined || all.length < count) {
    all = new Uint8Array(count)
    seededRandom(seed).bytes(all)
    if (made.size > 8) made.clear()
    made.set(seed, all)
  }
  return all.slice(0, count)
}

/** A folder that is removed after the test. */
export const folderFor = (context: TestContext): string => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'nacre-transfer-')))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export interface Session {
  readonly server: FarServer
  readonly transfers: Transfers
  readonly calls: Calls
}

export const connect = async (context: TestContext, options: FarOptions = {}, server = new FarServer(options)): Promise<Session> => {
  // A clock of ours lets the process go; where a connection would hold it, this does.
  const alive = setInterval(() => {}, 60_000)
  context.after(() => clearInterval(alive))
  const requests = new Requests(server.pipe, {})
  await requests.ready
  const calls = new Calls(requests, quirksOf(''))
  context.after(async () => await requests.close())
  return { server, calls, transfers: new Transfers({ remote: remoteOf(calls), local: localNode }) }
}

/** Names in a folder here. */
export const namesIn = (folder: string): string[] => readdirSync(folder).sort()

/** Until what was sent by then has been dealt with. */
export const settled = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve))
}

/** Fails when bytes differ, without showing megabytes of them. */
export const sameBytes = (actual: Uint8Array | undefined, expected: Uint8Array, what = 'the bytes'): void => {
  assert.ok(actual !== undefined, `${what} are missing`)
  assert.equal(actual.length, expected.length, `length of ${what}`)
  const at = Buffer.compare(actual, expected) === 0 ? -1 : actual.findIndex((each, index) => each !== expected[index])
  assert.equal(at, -1, `${what} differ from byte ${at} on`)
}
