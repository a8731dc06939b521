// In what order things are done to one file and to one path, and what is done in one go: each seen by what the files are asked.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SftpError } from '../../../src/errors.ts'
import type { Attributes } from '../../../src/sftp/attributes.ts'
import type { OpenFile } from '../../../src/sftp/files.ts'
import { memoryFiles } from '../../../src/sftp/files/memory.ts'
import { packetTypes } from '../../../src/sftp/messages.ts'
import { version3 } from '../../../src/sftp/versions/version3.ts'
import { decode } from '../../../src/wire/codec.ts'
import { Gates } from './gates.ts'
import { assertStatus, closeOf, dataOf, joined, Peer, readOf, requestOf, settled, writeOf } from './rig.ts'

const filled = (length: number, start = 0): Uint8Array => Uint8Array.from({ length }, (_, index) => (index + start) & 0xff)

const withFile = async (content: Uint8Array): Promise<ReturnType<typeof memoryFiles>> => {
  const files = memoryFiles()
  const file = files.open(
    '/f',
    { read: false, write: true, append: false, create: true, exclusive: false, truncate: true, noFollow: false },
    {},
  )
  file.write(0, content)
  file.close()
  return await Promise.resolve(files)
}

const contentOf = (files: ReturnType<typeof memoryFiles>, path: string): Uint8Array => {
  const file = files.open(
    path,
    { read: true, write: false, append: false, create: false, exclusive: false, truncate: false, noFollow: false },
    {},
  )
  const into = new Uint8Array(file.stat().size ?? 0)
  file.read(0, into)
  return into
}

describe('reads of one file', () => {
  it('are one read of the files where they come together and follow each other', async () => {
    const gates = new Gates()
    const peer = await new Peer(gates.around(await withFile(filled(200_000)))).greet()
    const handle = await peer.open('/f', 'r')
    peer.send(readOf(1, handle, 0, 32_768), readOf(2, handle, 32_768, 32_768), readOf(3, handle, 65_536, 32_768))
    await settled()
    assert.deepEqual(gates.seen, ['read 0+98304'])
    await gates.all()
    const answers = await peer.answers(1, 2, 3)
    answers.forEach((each, index) => assert.deepEqual(dataOf(each), filled(32_768, index * 32_768)))
  })

  it('go side by side where they do not follow each other', async () => {
    const gates = new Gates()
    const peer = await new Peer(gates.around(await withFile(filled(200_000)))).greet()
    const handle = await peer.open('/f', 'r')
    peer.send(readOf(1, handle, 100_000, 10), readOf(2, handle, 0, 10))
    await settled()
    assert.deepEqual(gates.seen, ['read 100000+10', 'read 0+10'])
    await gates.waiting[1].go()
    await gates.all()
    await peer.answers(1, 2)
    assert.deepEqual(peer.order.slice(-2), [2, 1])
  })

  it('go ahead of a client that reads one after the other, which then needs no more reads', async () => {
    const gates = new Gates()
    const peer = await new Peer(gates.around(await withFile(filled(150_000)))).greet()
    const handle = await peer.open('/f', 'r')
    const got: Uint8Array[] = []
    for (let id = 1; id <= 5; id++) {
      peer.send(readOf(id, handle, (id - 1) * 32_768, 32_768))
      await settled()
      await gates.all()
      got.push(dataOf((await peer.answers(id))[0]))
    }
    // The last one asks for more than there was, and by now there may be more.
    assert.deepEqual(gates.seen, ['read 0+32768', 'read 32768+262144', 'read 131072+262144'])
    assert.deepEqual(joined(...got), filled(150_000))
    peer.send(readOf(6, handle, 150_000, 10))
    await settled()
    await gates.all()
    assertStatus((await peer.answers(6))[0], 'eof')
  })

  it('share what is being read ahead with those who come meanwhile', async () => {
    const gates = new Gates()
    const peer = await new Peer(gates.around(await withFile(filled(200_000)))).greet()
    const handle = await peer.open('/f', 'r')
    peer.send(readOf(1, handle, 0, 1000))
    await settled()
    await gates.all()
    peer.send(readOf(2, handle, 1000, 1000))
    await settled()
    peer.send(readOf(3, handle, 2000, 1000))
    await settled()
    await gates.all()
    assert.deepEqual(gates.seen, ['read 0+1000', 'read 1000+262144'])
    const answers = await peer.answers(2, 3)
    assert.deepEqual(answers.map(dataOf), [filled(1000, 1000), filled(1000, 2000)])
  })

  it('never tell the end of the file to one who came while it was being read ahead, before looking again', async () => {
    let size = 1500
    const reads: { readonly count: number; readonly answer: (count: number) => void }[] = []
    const growing = {
      // As much as there is when it begins, told later.
      read: (position: number, into: Uint8Array) =>
        new Promise<number>(resolve => {
          const count = Math.max(0, Math.min(into.length, size - position))
          into.set(filled(count, position))
          reads.push({ count, answer: resolve })
        }),
      close: () => {},
    }
    const peer = await new Peer({ ...memoryFiles(), open: () => growing as unknown as OpenFile }).greet()
    const handle = await peer.open('/f', 'r')
    const answer = async (index: number): Promise<void> => {
      reads[index].answer(reads[index].count)
      await settled()
    }
    peer.send(readOf(1, handle, 0, 1000))
    await settled()
    await answer(0)
    peer.send(readOf(2, handle, 1000, 500))
    await settled()
    size = 3000
    peer.send(readOf(3, handle, 1500, 1000), readOf(4, handle, 2500, 1000))
    await settled()
    assert.equal(reads.length, 2)
    await answer(1)
    assert.equal(reads.length, 3, 'it did not look again')
    await answer(2)
    const [second, third, fourth] = await peer.answers(2, 3, 4)
    assert.deepEqual(dataOf(second), filled(500, 1000))
    assert.deepEqual(dataOf(third), filled(1000, 1500))
    assert.deepEqual(dataOf(fourth), filled(500, 2500))
  })

  it('never give what was read ahead before something was written, through whichever handle', async () => {
    const files = await withFile(filled(100_000))
    const peer = await new Peer(files).greet()
    const reading = await peer.open('/f', 'r')
    const writing = await peer.open('/f', 'w')
    for (const offset of [0, 100, 200]) await peer.askBytes(id => readOf(id, reading, offset, 100))
    assertStatus(await peer.askBytes(id => writeOf(id, writing, 300, Uint8Array.of(1, 2, 3))), 'ok')
    assert.deepEqual(dataOf(await peer.askBytes(id => readOf(id, reading, 300, 3))), Uint8Array.of(1, 2, 3))
  })

  it('tell the end of the file to those beyond it, and give the rest to the one before', async () => {
    const peer = await new Peer(await withFile(filled(10))).greet()
    const handle = await peer.open('/f', 'r')
    peer.send(readOf(1, handle, 0, 8), readOf(2, handle, 8, 8), readOf(3, handle, 16, 8))
    const [first, second, third] = await peer.answers(1, 2, 3)
    assert.deepEqual(dataOf(first), filled(8))
    assert.deepEqual(dataOf(second), filled(2, 8))
    assertStatus(third, 'eof')
  })
})

describe('writes to one file', () => {
  it('that follow each other and wait become one, and are each answered', async () => {
    const gates = new Gates()
    const files = memoryFiles()
    const peer = await new Peer(gates.around(files)).greet()
    const handle = await peer.open('/f', 'wc')
    peer.send(writeOf(1, handle, 0, filled(1000)))
    await settled()
    peer.send(writeOf(2, handle, 1000, filled(1000)), writeOf(3, handle, 2000, filled(1000)), writeOf(4, handle, 3000, filled(1000)))
    await settled()
    assert.deepEqual(gates.seen, ['write 0+1000'])
    await gates.all()
    assert.deepEqual(gates.seen, ['write 0+1000', 'write 1000+3000'])
    for (const answer of await peer.answers(1, 2, 3, 4)) assertStatus(answer, 'ok')
    assert.deepEqual(contentOf(files, '/f'), joined(filled(1000), filled(1000), filled(1000), filled(1000)))
  })

  it('come out as sent when their packets come in pieces of any length', async () => {
    const files = memoryFiles()
    const peer = await new Peer(files).greet()
    const handle = await peer.open('/f', 'wc')
    const content = filled(5000)
    const packets = joined(
      ...[0, 1, 2, 3, 4].map(each => writeOf(each, handle, each * 1000, content.subarray(each * 1000, each * 1000 + 1000))),
    )
    for (const [piece, from] of [1, 2, 3, 7, 13, 29, 30, 31, 64, 999, 1000, 5000].reduce<[number, number][]>(
      (all, size) => [...all, [size, (all.at(-1)?.[1] ?? 0) + (all.at(-1)?.[0] ?? 0)]],
      [],
    )) {
      peer.send(packets.subarray(from, from + piece))
      await settled()
    }
    for (const answer of await peer.answers(0, 1, 2, 3, 4)) assertStatus(answer, 'ok')
    assert.deepEqual(contentOf(files, '/f'), content)
  })

  it('that overlap are done one after the other', async () => {
    const gates = new Gates()
    const files = memoryFiles()
    const peer = await new Peer(gates.around(files)).greet()
    const handle = await peer.open('/f', 'wc')
    peer.send(writeOf(1, handle, 0, filled(200_000)))
    await settled()
    peer.send(writeOf(2, handle, 100_000, filled(200_000, 5)))
    await settled()
    assert.deepEqual(gates.seen, ['write 0+200000'])
    await gates.all()
    assert.deepEqual(contentOf(files, '/f').subarray(100_000), filled(200_000, 5))
  })

  it('of the largest kind that do not overlap go side by side', async () => {
    const gates = new Gates()
    const peer = await new Peer(gates.around(memoryFiles())).greet()
    const handle = await peer.open('/f', 'wc')
    peer.send(writeOf(1, handle, 0, filled(200_000)), writeOf(2, handle, 200_000, filled(200_000)))
    await settled()
    assert.deepEqual(gates.seen, ['write 0+200000', 'write 200000+200000'])
    await gates.all()
  })

  it('fail each by the error of the write they became', async () => {
    const gates = new Gates()
    const peer = await new Peer(gates.around(memoryFiles())).greet()
    const handle = await peer.open('/f', 'wc')
    peer.send(writeOf(1, handle, 0, filled(10)), writeOf(2, handle, 10, filled(10)))
    await settled()
    await gates.waiting[0].go(new SftpError('no-space-on-filesystem', 'No space left on device'))
    for (const answer of await peer.answers(1, 2)) assertStatus(answer, 'failure', /No space left on device/)
  })
})

describe('reads, writes and the rest on one file', () => {
  it('a read sees every write before it and none after it', async () => {
    const gates = new Gates()
    const peer = await new Peer(gates.around(await withFile(filled(100)))).greet()
    const handle = await peer.open('/f', 'rw')
    peer.send(
      readOf(1, handle, 0, 4),
      writeOf(2, handle, 0, Uint8Array.of(9, 9, 9, 9)),
      readOf(3, handle, 0, 4),
      writeOf(4, handle, 0, Uint8Array.of(8)),
    )
    await settled()
    for (const order of [['read 0+4'], ['read 0+4', 'write 0+4'], ['read 0+4', 'write 0+4', 'read 0+4']]) {
      assert.deepEqual(gates.seen, order)
      await gates.waiting[0].go()
    }
    await gates.all()
    assert.deepEqual(gates.seen, ['read 0+4', 'write 0+4', 'read 0+4', 'write 0+1'])
    const [before, , after] = await peer.answers(1, 2, 3, 4)
    assert.deepEqual(dataOf(before), filled(4))
    assert.deepEqual(dataOf(after), Uint8Array.of(9, 9, 9, 9))
  })

  it('FSTAT tells the size after the writes before it', async () => {
    const gates = new Gates()
    const peer = await new Peer(gates.around(memoryFiles())).greet()
    const handle = await peer.open('/f', 'wc')
    peer.send(writeOf(1, handle, 0, filled(5000)), requestOf(packetTypes.SSH_FXP_FSTAT, 2, version3.Fstat, { handle }))
    await settled()
    assert.deepEqual(gates.seen, ['write 0+5000'])
    await gates.all()
    const [, stat] = await peer.answers(1, 2)
    assert.equal(decode(version3.attributes, stat.body).size, 5000)
  })

  it('CLOSE waits for what is under way, and its handle means nothing from then on', async () => {
    const gates = new Gates()
    const peer = await new Peer(gates.around(memoryFiles())).greet()
    const handle = await peer.open('/f', 'rwc')
    peer.send(writeOf(1, handle, 0, filled(10)), closeOf(2, handle), readOf(3, handle, 0, 10), closeOf(4, handle))
    await settled()
    assert.deepEqual(gates.seen, ['write 0+10'])
    const [read, closed] = await peer.answers(3, 4)
    assertStatus(read, 'failure', /handle/)
    assertStatus(closed, 'failure', /handle/)
    await gates.all()
    assert.deepEqual(gates.seen, ['write 0+10', 'close'])
    for (const answer of await peer.answers(1, 2)) assertStatus(answer, 'ok')
  })

  it('a handle that is used again is not the handle it was before', async () => {
    const peer = await new Peer(await withFile(filled(10))).greet()
    const first = await peer.open('/f', 'r')
    await peer.close(first)
    const second = await peer.open('/f', 'r')
    assert.notDeepEqual(first, second)
    assertStatus(await peer.askBytes(id => readOf(id, first, 0, 1)), 'failure', /handle/)
    assert.deepEqual(dataOf(await peer.askBytes(id => readOf(id, second, 0, 1))), Uint8Array.of(0))
  })
})

describe('requests about paths', () => {
  const mkdir = (id: number, path: string): Uint8Array => requestOf(packetTypes.SSH_FXP_MKDIR, id, version3.Mkdir, { path, attributes: {} })
  const stat = (id: number, path: string): Uint8Array => requestOf(packetTypes.SSH_FXP_STAT, id, version3.Stat, { path })
  const rename = (id: number, from: string, to: string): Uint8Array =>
    requestOf(packetTypes.SSH_FXP_RENAME, id, version3.Rename, { from, to, replace: false })

  it('see what was changed before them at that path, above it and below it', async () => {
    const gates = new Gates()
    const peer = await new Peer(gates.around(memoryFiles(), true)).greet()
    peer.send(mkdir(1, '/a'), mkdir(2, '/a/b'), stat(3, '/a/./b'), rename(4, '/a', '/c'), stat(5, '/c//b'))
    await settled()
    assert.deepEqual(gates.seen, ['makeDirectory'])
    await gates.all()
    const answers = await peer.answers(1, 2, 3, 4, 5)
    assert.deepEqual(
      answers.map(each => each.type),
      [
        packetTypes.SSH_FXP_STATUS,
        packetTypes.SSH_FXP_STATUS,
        packetTypes.SSH_FXP_ATTRS,
        packetTypes.SSH_FXP_STATUS,
        packetTypes.SSH_FXP_ATTRS,
      ],
    )
    for (const id of [0, 1, 3]) assertStatus(answers[id], 'ok')
  })

  it('go side by side where they have nothing to do with each other', async () => {
    const gates = new Gates()
    const peer = await new Peer(gates.around(memoryFiles(), true)).greet()
    peer.send(mkdir(1, '/a'), mkdir(2, '/ab'), stat(3, '/x'), stat(4, '/a'), stat(5, '/y'))
    await settled()
    assert.deepEqual(gates.seen, ['makeDirectory', 'makeDirectory', 'path-stat'])
    await gates.all()
    await peer.answers(1, 2, 3, 4, 5)
  })

  it('do not overtake what is under way on a file they change', async () => {
    const gates = new Gates()
    const files = memoryFiles()
    const peer = await new Peer(gates.around(files, true)).greet()
    const handle = await peer.open('/f', 'wc')
    peer.send(writeOf(1, handle, 0, filled(10)), closeOf(2, handle), rename(3, '/f', '/g'))
    await settled()
    assert.deepEqual(gates.seen, ['write 0+10'])
    await gates.all()
    assert.deepEqual(gates.seen, ['write 0+10', 'close', 'rename'])
    assertStatus((await peer.answers(3))[0], 'ok')
    assert.deepEqual(contentOf(files, '/g'), filled(10))
  })

  it('are answered at once by files that answer at once, in the order they came', async () => {
    const peer = await new Peer(memoryFiles()).greet()
    peer.send(...Array.from({ length: 300 }, (_, index) => stat(index, '/')))
    await peer.answers(...Array.from({ length: 300 }, (_, index) => index))
    assert.deepEqual(
      peer.order,
      Array.from({ length: 300 }, (_, index) => index),
    )
    assert.ok(peer.writes <= 3, `${peer.writes} writes to the pipe`)
    const attributes: Attributes = decode(version3.attributes, (await peer.answers(7))[0].body)
    assert.equal(attributes.type, 'directory')
  })
})

describe('answers to writes', () => {
  it('that come with the beginning of another go with the answer to that, when the rest comes at once', async () => {
    const peer = await new Peer(memoryFiles()).greet()
    const handle = await peer.open('/f', 'wc')
    const before = peer.writes
    const second = writeOf(2, handle, 200_000, filled(200_000))
    peer.send(writeOf(1, handle, 0, filled(200_000)), second.subarray(0, 1000))
    await Promise.resolve()
    peer.send(second.subarray(1000))
    await peer.answers(1, 2)
    assert.equal(peer.writes - before, 1)
  })

  it('do not wait for the rest when that does not come', async () => {
    const peer = await new Peer(memoryFiles()).greet()
    const handle = await peer.open('/f', 'wc')
    peer.send(writeOf(1, handle, 0, filled(200_000)), writeOf(2, handle, 200_000, filled(200_000)).subarray(0, 1000))
    const [answer] = await peer.answers(1)
    assertStatus(answer, 'ok')
  })
})
