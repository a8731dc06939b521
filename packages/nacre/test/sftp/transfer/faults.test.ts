// Chance: a server that does any of many wrong things at any time, by seeds. The copy equals the file, or the call rejects.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { seededRandom } from '../../../src/testing/random.ts'
import { dataReply, type Script, status } from './misbehaving/server.ts'
import { bytesOf, connect, folderFor, namesIn, sameBytes, settled } from './rig.ts'

const seeds = 24
const codes = [2, 3, 4, 4, 4, 5, 8, 9]

/** Wrong once in `rarity` answers. */
const chaos = (seed: number, rarity: number): Script => {
  const random = seededRandom(seed)
  return (request, honest) => {
    const delay = 1 + random.below(6)
    if (!random.oneIn(rarity) || request.path === 'limits@openssh.com') return { ...honest(), delay }
    const what = random.below(5)
    if (request.name === 'close') return { ...honest(), delay }
    if (what === 0 && (request.name === 'read' || request.name === 'write')) return undefined
    if (what === 1 && request.name === 'read' && request.node !== undefined && request.offset < request.node.data.length)
      return { ...dataReply(request.node.data.slice(request.offset, request.offset + 1 + random.below(request.length))), delay }
    if (what === 2 && request.name === 'read') return { ...status(1), delay }
    // What it does and then denies.
    if (what === 3) honest()
    return { ...status(random.pick(codes)), delay }
  }
}

for (let seed = 1; seed <= seeds; seed++) {
  it(`seed ${seed}`, async context => {
    const folder = folderFor(context)
    const random = seededRandom(seed * 31)
    const size = random.below(1_500_000)
    const { server, transfers } = await connect(context, { script: chaos(seed, 4 + random.below(40)) })
    const options = { stallTimeout: 100, inFlight: 600_000, requestSize: 8000 + random.below(200_000) }
    server.file('/far', bytesOf(seed, size))
    const down = await transfers.download('/far', join(folder, 'near'), options).then(
      () => true,
      () => false,
    )
    if (down) sameBytes(readFileSync(join(folder, 'near')), bytesOf(seed, size), `seed ${seed}: the download`)
    assert.deepEqual(namesIn(folder), down ? ['near'] : [])
    const up = await transfers.upload(bytesOf(seed + 1, size), '/up', options).then(
      () => true,
      () => false,
    )
    const there = server.files.get('/up')
    // What a server denies it may have done all the same: then it is whole.
    if (up || there !== undefined) sameBytes(there?.data, bytesOf(seed + 1, size), `seed ${seed}: the upload`)
    await settled()
    assert.ok(server.mostBytes <= 1_200_000)
  })
}
