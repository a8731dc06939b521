// Quoting for a POSIX shell: whatever the arguments, the shell gets exactly these.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { quote } from '../../src/client/quote.ts'

describe('quote', () => {
  it('leaves plain words alone', () =>
    assert.equal(quote(['git', '-C', '/srv/app', 'rev-parse', 'HEAD']), 'git -C /srv/app rev-parse HEAD'))
  it('quotes what a shell would read', () => assert.equal(quote(['echo', '$HOME', "it's", '', 'a b']), `echo '$HOME' 'it'\\''s' '' 'a b'`))
  it('refuses NUL', () => assert.throws(() => quote(['a\0b']), TypeError))
  it('is undone by a real shell', () => {
    const argument = fc.string({ unit: 'grapheme', maxLength: 20 }).filter(text => !text.includes('\0') && !text.includes('\n'))
    fc.assert(
      fc.property(fc.array(argument, { minLength: 1, maxLength: 5 }), words => {
        const printed = execFileSync('/bin/sh', ['-c', `printf '%s\\n' ${quote(words)}`], { encoding: 'utf8' })
        assert.deepEqual(printed.split('\n').slice(0, -1), words)
      }),
      { numRuns: 40 },
    )
  })
})
