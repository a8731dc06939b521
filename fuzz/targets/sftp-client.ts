// Owns the targets of the SFTP client: what a server sends in answer to a handful of requests, and patterns for names. However
// the bytes are cut the outcome is the same, everybody who waits is told once, and nobody is shown what garbles a terminal.
import assert from 'node:assert/strict'
import { SftpError, SftpProtocolError } from '../../packages/nacre/src/errors.ts'
import { Calls } from '../../packages/nacre/src/sftp/client/calls.ts'
import { hash } from '../../packages/nacre/src/sftp/client/hash.ts'
import { isPattern, literalOf, nameMatcher } from '../../packages/nacre/src/sftp/client/pattern.ts'
import { quirksOf } from '../../packages/nacre/src/sftp/client/quirks.ts'
import { Requests } from '../../packages/nacre/src/sftp/client/requests.ts'
import { packetTypes } from '../../packages/nacre/src/sftp/messages.ts'
import type { PipeTap } from '../../packages/nacre/src/sftp/pipe.ts'
import { Writer } from '../../packages/nacre/src/wire/writer.ts'
import { type Note, type Target, textOf, unseen, utf8Bytes } from '../rig/target.ts'

const packet = (type: number, fields: (writer: Writer) => void): Uint8Array => {
  const writer = new Writer(64)
  writer.uint32(0)
  writer.byte(type)
  fields(writer)
  const bytes = writer.written().slice()
  new DataView(bytes.buffer).setUint32(0, bytes.length - 4)
  return bytes
}
const joined = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap(part => [...part]))

const announced = ['check-file', 'statvfs@openssh.com', 'posix-rename@openssh.com']
const greeting = packet(packetTypes.SSH_FXP_VERSION, writer => {
  writer.uint32(3)
  for (const name of announced) {
    writer.text(name)
    writer.text('')
  }
})

/** What is asked for at once, with ids from 0 on. */
const asking = (calls: Calls, told: (index: number) => void): readonly Promise<unknown>[] => {
  const file = { bytes: utf8Bytes('h'), path: '/f' }
  const callback =
    (index: number, resolve: (value: unknown) => void) =>
    (error: Error | undefined, bytes?: Uint8Array): void => {
      told(index)
      resolve(error ?? bytes?.slice())
    }
  return [
    calls.stat('/a'),
    new Promise(resolve => calls.requests.read(file, 0, 8, callback(1, resolve))),
    calls.open('/o', { read: true }),
    calls.readLink('/l'),
    calls.readDirectory(file),
    new Promise(resolve => calls.requests.write(file, 0, file.bytes, callback(5, resolve))),
    calls.posixRename('/x', '/y'),
    hash(calls, '/h'),
    new Promise(resolve => calls.requests.read(file, 8, 8, callback(8, resolve), new Uint8Array(8))),
  ]
}

const shown = (value: unknown): unknown => {
  if (!(value instanceof Error)) return value
  if (!(value instanceof SftpError || value instanceof SftpProtocolError)) throw value
  assert.ok(value.message !== '' && !unseen.test(value.message), `a message that garbles a terminal: ${JSON.stringify(value.message)}`)
  return value instanceof SftpProtocolError ? value.fault : [value.status, value.operation, value.path, value.errno]
}

/** What became of everything when `bytes` came in pieces of `size` and then nothing more. */
const outcomeOf = async (bytes: Uint8Array, greeted: boolean, size: number): Promise<readonly unknown[]> => {
  let tap: PipeTap | undefined
  const requests = new Requests(
    { write: () => undefined, tap: given => void (tap = given), end: () => {}, abort: () => {} },
    { deadline: 0 },
  )
  const give = (chunk: Uint8Array): void => {
    const lent = chunk.slice()
    tap?.data(lent, false)
    lent.fill(0xee)
  }
  if (greeted) give(greeting)
  const told = new Map<number, number>()
  const waiting = greeted ? asking(new Calls(requests, quirksOf('')), index => void told.set(index, (told.get(index) ?? 0) + 1)) : []
  const outcomes = Promise.allSettled([requests.ready, ...waiting])
  for (let at = 0; at < bytes.length; at += size) give(bytes.subarray(at, at + size))
  tap?.end()
  const settled = await outcomes
  assert.equal(requests.underWay, 0)
  for (const count of told.values()) assert.equal(count, 1, 'somebody was told twice')
  return settled.map(each => (each.status === 'fulfilled' ? shown(each.value) : shown(each.reason)))
}

const kindOf = (value: unknown): string => {
  if (typeof value === 'string') return value
  return Array.isArray(value) && typeof value[0] === 'string' ? value[0] : typeof value
}

const id = (number: number, fields: (writer: Writer) => void) => (writer: Writer) => {
  writer.uint32(number)
  fields(writer)
}
const status = (number: number, code: number): Uint8Array =>
  packet(
    packetTypes.SSH_FXP_STATUS,
    id(number, writer => (writer.uint32(code), writer.text('no'), writer.text(''))),
  )
const goodAnswers: readonly Uint8Array[] = [
  packet(
    packetTypes.SSH_FXP_ATTRS,
    id(0, writer => (writer.uint32(1), writer.uint64(5n))),
  ),
  packet(
    packetTypes.SSH_FXP_DATA,
    id(1, writer => writer.string(utf8Bytes('12345678'))),
  ),
  packet(
    packetTypes.SSH_FXP_HANDLE,
    id(2, writer => writer.text('handle')),
  ),
  packet(
    packetTypes.SSH_FXP_NAME,
    id(3, writer => (writer.uint32(1), writer.text('target'), writer.text('long'), writer.uint32(0))),
  ),
  status(4, 1),
  status(5, 0),
  status(6, 4),
  packet(
    packetTypes.SSH_FXP_EXTENDED_REPLY,
    id(7, writer => (writer.text('sha256'), writer.fixed(new Uint8Array(32)))),
  ),
  packet(
    packetTypes.SSH_FXP_DATA,
    id(8, writer => writer.string(utf8Bytes('1234'))),
  ),
]

const answers: Target = {
  name: 'sftp-answers',
  about: 'what a server of SFTP sends a client that asked for a handful of things: the same however it is cut, each told once',
  words: [...announced, 'sha256', 'check-file', '..', '/', 'welcome\r\n'],
  seeds: () => [
    joined(Uint8Array.of(1), ...goodAnswers),
    joined(Uint8Array.of(1), ...goodAnswers.toReversed()),
    joined(Uint8Array.of(0), greeting),
    joined(Uint8Array.of(0), utf8Bytes('Welcome to the machine\r\n')),
  ],
  generate: random => joined(Uint8Array.of(1), ...Array.from({ length: 1 + random.below(12) }, () => random.pick(goodAnswers))),
  run: async (input: Uint8Array, note: Note) => {
    const greeted = ((input[0] ?? 0) & 1) === 1
    const bytes = input.subarray(1)
    const whole = await outcomeOf(bytes, greeted, Math.max(1, bytes.length))
    for (const size of [1, 5]) assert.deepEqual(await outcomeOf(bytes, greeted, size), whole)
    note(whole.map(kindOf).join(' '))
  },
}

const patterns: Target = {
  name: 'sftp-patterns',
  about: 'a pattern for names and a name, with a line break between: never thrown over, and a plain name fits itself only',
  words: ['*', '?', '[', ']', '[!', '[a-z]', '[[:digit:]]', '\\', '-', '.'],
  seeds: () => ['*.log\nx.log', '[a-c]?\nbz', '[[:alpha:]]\nq', 'a\\*b\na*b', '.*\n.x'].map(utf8Bytes),
  run: (input, note) => {
    const [pattern, name = ''] = textOf(input).split('\n')
    const fits = nameMatcher(pattern)(name)
    if (!isPattern(pattern)) assert.equal(fits, literalOf(pattern) === name)
    note(`${fits}`)
  },
}

export const sftpClientTargets: readonly Target[] = [answers, patterns]
