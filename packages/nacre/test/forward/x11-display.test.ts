// What DISPLAY says, and what it may not say.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseX11Display } from '../../src/forward/x11-display.ts'

describe('a display', () => {
  it('of this machine is a socket by its number', () => {
    for (const text of [':7', 'unix:7', ':7.0', 'unix:7.0'])
      assert.deepEqual(parseX11Display(text), { text, place: { path: '/tmp/.X11-unix/X7' }, screen: 0, authorityName: text })
  })

  it('has a screen', () => {
    assert.equal(parseX11Display(':0.3').screen, 3)
    assert.equal(parseX11Display('host:10.1').screen, 1)
  })

  it('of another is a port from 6000 on', () => {
    assert.deepEqual(parseX11Display('there.example:10.0').place, { host: 'there.example', port: 6010 })
    assert.deepEqual(parseX11Display('[2001:db8::1]:1').place, { host: '2001:db8::1', port: 6001 })
  })

  it('by the name localhost is known to xauth as one that does not go over TCP', () => {
    const display = parseX11Display('localhost:10.0')
    assert.deepEqual(display.place, { host: 'localhost', port: 6010 })
    assert.equal(display.authorityName, 'unix:10.0')
  })

  it('may be the path of a socket, whose name has the number in it but no screen', () => {
    const text = '/private/tmp/com.apple.launchd.x1/org.xquartz:0.0'
    assert.deepEqual(parseX11Display(text).place, { path: '/private/tmp/com.apple.launchd.x1/org.xquartz:0' })
  })

  it('is nothing else, nor anything a shell or xauth would take for more', () => {
    for (const text of [
      ...['', ':', 'host', 'host:', ':x', ':1.', ':1.x', ':0;id', ':0\n:1', ':0 -f /etc/passwd', '$(id):0', 'a/b:0', '2001:db8::1:0'],
      ...[':999999', 'host:59536', ':-1', '[]:0', '-:0'],
    ])
      assert.throws(() => parseX11Display(text), { name: 'ForwardError', code: 'FORWARD_REFUSED' }, text)
  })
})
