// The version exchange of RFC 4253 §4.2: what is taken, what is refused, however the bytes are split.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ProtocolError } from '../../src/errors.ts'
import { ascii, IdentificationReader, ourIdentification } from '../../src/transport/identification.ts'

const latin = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'))

const readAll = (text: string, role: 'client' | 'server' = 'client', step = text.length) => {
  const reader = new IdentificationReader(role)
  const input = latin(text)
  for (let at = 0; at < input.length; at += step) {
    const { used, identification } = reader.read(input, at, Math.min(at + step, input.length))
    if (identification !== undefined) return { identification, rest: input.length - at - used, reader }
  }
  return { identification: undefined, rest: 0, reader }
}

const refused = (text: string, violation: string, role: 'client' | 'server' = 'client'): void => {
  assert.throws(
    () => readAll(text, role),
    (error: unknown) => error instanceof ProtocolError && error.violation === violation,
  )
}

describe('the peer’s identification', () => {
  it('has a version, a software version and comments', () => {
    const { identification } = readAll('SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n')
    assert.equal(identification?.protocolVersion, '2.0')
    assert.equal(identification?.softwareVersion, 'OpenSSH_9.2p1')
    assert.equal(identification?.comments, 'Debian-2+deb12u3')
    assert.deepEqual(identification?.line, ascii('SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3'))
  })
  for (const software of ['OpenSSH-keyscan', 'JSCH-0.1.54', 'APACHE-SSHD-2.8.0', 'Cisco-1.25', '-'])
    it(`may have the minus that RFC 4253 forbids, as ${software} has`, () => {
      const { identification } = readAll(`SSH-2.0-${software} a-b\r\n`, 'server')
      assert.deepEqual(
        [identification?.protocolVersion, identification?.softwareVersion, identification?.comments],
        ['2.0', software, 'a-b'],
      )
    })
  it('may end in LF alone', () => assert.equal(readAll('SSH-2.0-x\n').identification?.softwareVersion, 'x'))
  it('may be 1.99, which means 2.0 (§5.1)', () => assert.equal(readAll('SSH-1.99-x\r\n').identification?.protocolVersion, '1.99'))
  it('leaves what follows it', () => assert.equal(readAll('SSH-2.0-x\r\nabcd').rest, 4))
  it('is the same however the bytes come', () => {
    for (let step = 1; step < 12; step++)
      assert.equal(readAll('hello\r\nSSH-2.0-x y\r\n', 'client', step).identification?.comments, 'y', `step ${step}`)
  })
  it('may follow other lines, from a server', () =>
    assert.deepEqual(readAll('one\r\ntwo\r\nSSH-2.0-x\r\n').reader.linesBefore, ['one', 'two']))
  it('may not follow other lines, from a client', () => refused('GET / HTTP/1.1\r\n', 'identification-malformed', 'server'))
  it('of a client is refused at its fourth byte', () => refused('GET ', 'identification-malformed', 'server'))
  it('is at most 255 bytes', () => {
    refused(`SSH-2.0-${'x'.repeat(248)}`, 'identification-too-long')
    assert.notEqual(readAll(`SSH-2.0-${'x'.repeat(245)}\r\n`).identification, undefined)
  })
  it('comes after 100 lines at most', () => refused('x\r\n'.repeat(101), 'identification-too-long'))
  it('comes after lines of 8 KiB at most', () => refused('x'.repeat(8193), 'identification-too-long'))
  it('is not version 1', () => refused('SSH-1.5-old\r\n', 'identification-version'))
  for (const bad of ['SSH-2.0\r\n', 'SSH-2.0-\x01\r\n', 'SSH-2.0-x \x1b[2J\r\n', 'SSH-2.0-x \xe4\r\n', 'SSH-\r\n'])
    it(`is not ${JSON.stringify(bad)}`, () => refused(bad, 'identification-malformed'))
  it('is shown escaped when refused', () => {
    assert.throws(
      () => readAll('SSH-2.0-x \x1b[2J\r\n'),
      (error: unknown) => error instanceof Error && error.message.includes('\\x1b[2J') && !error.message.includes('\x1b'),
    )
  })
})

describe('our identification', () => {
  it('is SSH-2.0, software and comments', () =>
    assert.deepEqual(ourIdentification('nacre_1', 'hello world'), ascii('SSH-2.0-nacre_1 hello world')))
  for (const [software, comments] of [
    ['a b', undefined],
    ['a-b', undefined],
    ['', undefined],
    ['x', 'tab\t'],
    ['x'.repeat(250), undefined],
  ] as const) {
    it(`refuses ${JSON.stringify(software.slice(0, 10))} ${JSON.stringify(comments)}`, () =>
      assert.throws(() => ourIdentification(software, comments), TypeError))
  }
})
