// Reading directories: how full the answers are, what is asked for ahead, how names look, and faults in the middle.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SftpError } from '../../../src/errors.ts'
import type { Attributes } from '../../../src/sftp/attributes.ts'
import { type FileEntry, type Files, type MaybePromise, partialFiles } from '../../../src/sftp/files.ts'
import { memoryFiles } from '../../../src/sftp/files/memory.ts'
import { packetTypes } from '../../../src/sftp/messages.ts'
import { LongNames } from '../../../src/sftp/server/long-name.ts'
import { sftpVersions } from '../../../src/sftp/versions/table.ts'
import type { NameEntry } from '../../../src/sftp/versions/version.ts'
import { decode } from '../../../src/wire/codec.ts'
import { type Answer, assertStatus, closeOf, packetOf, Peer, settled, uint32Of } from './rig.ts'
import { bytes, encode } from '../../../src/wire/codec.ts'

const entry = (name: string, attributes: Attributes = { type: 'file', permissions: 0o644, size: 1 }): FileEntry => ({ name, attributes })
const named = (from: number, count: number): readonly FileEntry[] =>
  Array.from({ length: count }, (_, index) => entry(`file-${String(from + index).padStart(6, '0')}`))

/** A directory whose batches a test makes. */
const listing = (next: () => MaybePromise<readonly FileEntry[] | undefined>, closed = (): void => {}): Files =>
  partialFiles({ list: () => ({ next, close: closed }) })

const namesIn = (peer: Peer, answer: Answer): readonly NameEntry[] => {
  assert.equal(answer.type, packetTypes.SSH_FXP_NAME)
  return decode(peer.version.Name, answer.body)
}

const readAll = async (peer: Peer): Promise<{ readonly names: readonly string[]; readonly answers: number }> => {
  const handle = await peer.openDirectory('/')
  const names: string[] = []
  for (let answers = 0; ; answers++) {
    const answer = await peer.readDirectory(handle)
    if (answer.type === packetTypes.SSH_FXP_STATUS) {
      assertStatus(answer, 'eof')
      assertStatus(await peer.readDirectory(handle), 'eof')
      await peer.close(handle)
      return { names, answers }
    }
    names.push(...namesIn(peer, answer).map(each => each.filename))
  }
}

describe('a directory', () => {
  it('comes in answers as full as 64 KiB, however small the batches of the files are', async () => {
    for (const later of [false, true]) {
      let made = 0
      const files = listing(() => {
        if (made === 5000) return later ? Promise.resolve(undefined) : undefined
        const some = named(made, 50)
        made += 50
        return later ? Promise.resolve(some) : some
      })
      const { names, answers } = await readAll(await new Peer(files).greet())
      assert.deepEqual(
        names,
        named(0, 5000).map(each => each.name),
      )
      assert.ok(answers <= 14, `${answers} answers`)
    }
  })

  it('of one batch comes in parts, none larger than 64 KiB and an entry', async () => {
    let given = false
    const peer = await new Peer(
      listing(() => {
        if (given) return undefined
        given = true
        return named(0, 5000)
      }),
    ).greet()
    const handle = await peer.openDirectory('/')
    let count = 0
    for (
      let answer = await peer.readDirectory(handle);
      answer.type === packetTypes.SSH_FXP_NAME;
      answer = await peer.readDirectory(handle)
    ) {
      assert.ok(answer.body.length <= 64 * 1024 + 9, `${answer.body.length} bytes`)
      count += namesIn(peer, answer).length
    }
    assert.equal(count, 5000)
  })

  it('without entries, and with batches without any, is read to its end', async () => {
    assert.deepEqual((await readAll(await new Peer(listing(() => undefined)).greet())).names, [])
    const batches: (readonly FileEntry[] | undefined)[] = [[], [], named(0, 1), [], undefined]
    assert.equal((await readAll(await new Peer(listing(() => Promise.resolve(batches.shift()))).greet())).names.length, 1)
  })

  it('has its next entries asked for before a client asks', async () => {
    let asked = 0
    const files = listing(() => {
      asked++
      return Promise.resolve(asked > 3 ? undefined : named(asked * 1000, 500))
    })
    const peer = await new Peer(files).greet()
    const handle = await peer.openDirectory('/')
    assert.equal(namesIn(peer, await peer.readDirectory(handle)).length, 500)
    await settled()
    assert.equal(asked, 2)
  })

  it('whose reading fails half-way gives what there was, then the fault', async () => {
    const batches: (readonly FileEntry[] | undefined)[] = [named(0, 10), named(10, 10)]
    const files = listing(() => {
      const next = batches.shift()
      if (next === undefined) throw new SftpError('permission-denied', 'Not any more')
      return next
    })
    const peer = await new Peer(files).greet()
    const handle = await peer.openDirectory('/')
    assert.equal(namesIn(peer, await peer.readDirectory(handle)).length, 10)
    assert.equal(namesIn(peer, await peer.readDirectory(handle)).length, 10)
    assertStatus(await peer.readDirectory(handle), 'permission-denied', /Not any more/)
  })

  it('is closed only when what was asked for ahead is there', async () => {
    const order: string[] = []
    let go = (): void => {}
    const files = listing(
      () => {
        order.push('next')
        if (order.length === 1) return named(0, 1)
        return new Promise(resolve => {
          go = () => {
            order.push('there')
            resolve(undefined)
          }
        })
      },
      () => void order.push('close'),
    )
    const peer = await new Peer(files).greet()
    const handle = await peer.openDirectory('/')
    namesIn(peer, await peer.readDirectory(handle))
    peer.send(closeOf(1, handle))
    await settled()
    assert.deepEqual(order, ['next', 'next'])
    go()
    assertStatus((await peer.answers(1))[0], 'ok')
    assert.deepEqual(order, ['next', 'next', 'there', 'close'])
  })

  it('read several times at once gives each entry once', async () => {
    let made = 0
    const peer = await new Peer(listing(() => Promise.resolve(made++ < 20 ? named(made * 400, 400) : undefined))).greet()
    const handle = await peer.openDirectory('/')
    const ids = Array.from({ length: 40 }, (_, index) => index)
    peer.send(...ids.map(id => packetOf(packetTypes.SSH_FXP_READDIR, uint32Of(id), encode(bytes, handle))))
    const answers = await peer.answers(...ids)
    const names = answers.flatMap(each => (each.type === packetTypes.SSH_FXP_NAME ? namesIn(peer, each).map(one => one.filename) : []))
    assert.equal(names.length, 8000)
    assert.equal(new Set(names).size, 8000)
  })

  it('keeps names that are not UTF-8 as they are', async () => {
    const names = ['ascii', 'naïve', '\udcff\udc80', `${'ä'.repeat(100)}`, '']
    let given = false
    const files = listing(() => {
      if (given) return undefined
      given = true
      return names.map(name => entry(name))
    })
    assert.deepEqual((await readAll(await new Peer(files).greet())).names, names)
  })
})

describe('names of owners', () => {
  const withUsers = (namesOf: Files['namesOf'], attributes: Attributes): Files => {
    let given = false
    return {
      ...listing(() => {
        if (given) return undefined
        given = true
        return [entry('a', attributes), entry('b', attributes)]
      }),
      namesOf,
      stat: () => attributes,
    }
  }
  const attributes: Attributes = { type: 'file', permissions: 0o644, size: 1, uid: 7, gid: 8 }

  it('are asked for once, by all numbers of a batch, and stand in long names', async () => {
    const asked: string[] = []
    const files = withUsers((kind, ids) => {
      asked.push(`${kind} ${ids.join()}`)
      return Promise.resolve(ids.map(id => (kind === 'user' ? `u${id}` : '')))
    }, attributes)
    const peer = await new Peer(files).greet()
    const entries = namesIn(peer, await peer.readDirectory(await peer.openDirectory('/')))
    assert.match(entries[0].longname, /^-rw-r--r-- {4}1 u7 {7}8 {15}1 Jan /)
    assert.deepEqual(asked, ['user 7', 'group 8'])
  })

  it('are what versions 4 to 6 know owners by', async () => {
    const files = withUsers((kind, ids) => ids.map(id => `${kind}${id}`), attributes)
    for (const version of [4, 5, 6] as const) {
      const peer = await new Peer(files).greet(version)
      const answer = await peer.ask(packetTypes.SSH_FXP_STAT, peer.version.Stat, { path: '/a' })
      const { owner, group, type } = decode(sftpVersions[version].attributes, answer.body)
      assert.deepEqual([owner, group, type], ['user7', 'group8', 'file'])
    }
  })

  it('become numbers when they are set, and names nobody has are refused', async () => {
    const files = memoryFiles({ users: [{ name: 'me', uid: 5 }], groups: [{ name: 'us', gid: 6 }] })
    const peer = await new Peer(files).greet(6)
    await peer.close(await peer.open('/f', 'wc'))
    const set = (owner: string, group: string): Promise<Answer> =>
      peer.ask(packetTypes.SSH_FXP_SETSTAT, peer.version.Setstat, { path: '/f', attributes: { type: 'file', owner, group } })
    assertStatus(await set('me', 'us@example.org'), 'ok')
    assert.deepEqual([files.stat('/f', true).uid, files.stat('/f', true).gid], [5, 6])
    assertStatus(await set('17', ''), 'ok')
    assert.deepEqual([files.stat('/f', true).uid, files.stat('/f', true).gid], [17, 6])
    assertStatus(await set('nobody', 'us'), 'owner-invalid')
    assertStatus(await set('me', 'nobody'), 'group-invalid')
  })
})

describe('long names', () => {
  const now = new Date(2026, 10, 21, 12, 0, 0).getTime() / 1000
  const long = (attributes: Attributes, at: number = now): string =>
    new LongNames(now).of('name', { modified: { seconds: at, nanoseconds: 0 }, ...attributes }, 'me', 'users')
  const file: Attributes = { type: 'file', permissions: 0o644, size: 1234, links: 2 }

  it('are as `ls -l` shows files', () => {
    assert.equal(long(file), '-rw-r--r--    2 me       users        1234 Nov 21 12:00 name')
    assert.equal(long({ ...file, type: 'directory', permissions: 0o1755 }).slice(0, 10), 'drwxr-xr-t')
    assert.equal(long({ ...file, type: 'symlink', permissions: 0o777 }).slice(0, 10), 'lrwxrwxrwx')
    assert.equal(long({ ...file, permissions: 0o6711 }).slice(0, 10), '-rws--s--x')
    assert.equal(long({ ...file, permissions: 0o7000 }).slice(0, 10), '---S--S--T')
    for (const [type, letter] of [
      ['socket', 's'],
      ['character-device', 'c'],
      ['block-device', 'b'],
      ['fifo', 'p'],
      ['special', '?'],
    ] as const)
      assert.equal(long({ ...file, type })[0], letter)
  })

  it('tell the year of what is older than half a year, or still to come', () => {
    const day = 24 * 60 * 60
    assert.match(long(file, now - 180 * day), / May 25 1[123]:00 name$/)
    assert.match(long(file, now - 190 * day), / May 15 {2}2026 name$/)
    assert.match(long(file, now + day), / Nov 22 {2}2026 name$/)
    assert.match(long(file, now - 15 * day), / Nov {2}6 12:00 name$/)
  })
})
