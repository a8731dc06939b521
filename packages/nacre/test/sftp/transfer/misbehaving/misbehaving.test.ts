// Servers that misbehave: the copy equals the file, or the call rejects with an error that says what was the matter; nothing
// half-written stands under the final name, no handle stays open, and memory is bounded.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { SftpError, SshError, TransferFailures } from '../../../../src/errors.ts'
import type { TransferOptions } from '../../../../src/sftp/transfer/options.ts'
import { bytesOf, connect, folderFor, namesIn, sameBytes, settled } from '../rig.ts'
import { kinds } from './kinds.ts'

const size = 4_000_000
const inFlight = 1_500_000
/** A server that never answers is found out quickly here. */
const patience = { inFlight, stallTimeout: 400 } as const

const outcomeOf = async (transfer: Promise<unknown>): Promise<unknown> =>
  await transfer.then(
    () => undefined,
    (error: unknown) => error,
  )

/** What has no end would fill the disk: somebody has to stop it. */
const untilTooMuch = (): Pick<TransferOptions, 'signal' | 'onProgress'> => {
  const stop = new AbortController()
  const onProgress = ({ done }: { done: number }): void => {
    if (done > 3 * size) stop.abort(new SshError('TEST', 'aborted: more came than there is'))
  }
  return { signal: stop.signal, onProgress }
}

const fits = (outcome: unknown, expected: 'equal' | RegExp): void => {
  if (expected === 'equal')
    assert.equal(outcome, undefined, outcome instanceof Error ? (outcome.stack ?? outcome.message) : String(outcome))
  else {
    assert.ok(outcome instanceof SshError, String(outcome))
    assert.match(`${outcome.code}: ${outcome.message}`, expected)
  }
}

for (const kind of kinds) {
  describe(`a server that ${kind.name}`, () => {
    it('gives a file or says why not', async context => {
      const folder = folderFor(context)
      const { server, transfers } = await connect(context, kind.options)
      server.file('/far', bytesOf(1, size))
      const target = join(folder, 'near')
      const outcome = await outcomeOf(transfers.download('/far', target, { ...patience, ...untilTooMuch() }))
      fits(outcome, kind.download)
      await settled()
      if (outcome === undefined) sameBytes(readFileSync(target), bytesOf(1, size))
      assert.deepEqual(namesIn(folder), outcome === undefined ? ['near'] : [])
      assert.equal(server.openHandles, 0)
      assert.ok(server.mostBytes <= inFlight + 261_121, `${server.mostBytes} bytes under way`)
    })

    it('takes a file or says why not', async context => {
      const { server, transfers } = await connect(context, kind.options)
      const outcome = await outcomeOf(transfers.upload(bytesOf(2, size), '/far', patience))
      fits(outcome, kind.upload)
      if (outcome instanceof SftpError)
        assert.doesNotMatch(`${outcome.path} ${outcome.message}`, /\.nacre-/, 'it names the file that was meant')
      await settled()
      await settled()
      if (outcome === undefined) sameBytes(server.files.get('/far')?.data, bytesOf(2, size))
      else assert.ok(!server.files.has('/far'))
      assert.ok(kind.ends === true || ![...server.files.keys()].some(each => each.endsWith('.part')), 'a temporary file is left')
      assert.equal(server.openHandles, 0)
      assert.ok(server.mostBytes <= inFlight + 261_120, `${server.mostBytes} bytes under way`)
    })

    it('gives and takes trees, but for what it cannot', async context => {
      const folder = folderFor(context)
      const { server, transfers } = await connect(context, kind.options)
      server.directory('/t')
      server.directory('/t/d')
      for (let i = 0; i < 12; i++) server.file(`/t/${i % 2 === 0 ? '' : 'd/'}f${i}`, bytesOf(i, 3000 + i * 100))
      const down = await outcomeOf(transfers.download('/t', join(folder, 'copy'), { recursive: true, ...patience, ...untilTooMuch() }))
      if (down !== undefined) assert.ok(down instanceof SshError, String(down))
      let whole = 0
      for (let i = 0; i < 12; i++) {
        const near = join(folder, 'copy', `${i % 2 === 0 ? '' : 'd/'}f${i}`)
        if (!existsSync(near)) continue
        whole++
        const bytes = readFileSync(near)
        // A server that pads files for ever is stopped by nobody here but the size it told.
        sameBytes(bytes.subarray(0, 3000 + i * 100), bytesOf(i, 3000 + i * 100))
      }
      if (down === undefined) assert.equal(whole, 12)
      else if (down instanceof TransferFailures) assert.ok(whole < 12)
      mkdirSync(join(folder, 'here'))
      for (let i = 0; i < 12; i++) writeFileSync(join(folder, `here/f${i}`), bytesOf(i, 3000 + i * 100))
      const up = await outcomeOf(transfers.upload(join(folder, 'here'), '/up', { recursive: true, ...patience }))
      for (let i = 0; i < 12; i++) {
        const far = server.files.get(`/up/f${i}`)
        if (far !== undefined) sameBytes(far.data, bytesOf(i, 3000 + i * 100))
        else assert.ok(up instanceof SshError, String(up))
      }
      await settled()
      assert.equal(server.openHandles, 0)
    })
  })
}
