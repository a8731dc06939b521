// Owns our server of files mounted by sshfs: what programs do with files that they take for local ones. They run as processes of
// their own, since this one serves.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe } from 'node:test'
import { type Files, localFiles, memoryFiles, rootedFiles } from 'nacre/sftp/server'
import { lacksFuse, sshfs } from './peers/transferrers.ts'
import { bytesOf, MiB } from './rig/bytes.ts'
import { freshFolder } from './rig/folder.ts'
import { userKey } from './rig/keys.ts'
import { finish } from './rig/process.ts'
import { test } from './rig/test.ts'
import { makeTree } from './rig/tree.ts'
import { fileSite } from './sites/files.ts'

const kinds: readonly { readonly name: string; readonly make: () => { readonly files: Files; readonly path: string } }[] = [
  { name: 'the disk', make: () => ({ files: localFiles(), path: freshFolder('far') }) },
  { name: 'memory', make: () => ({ files: memoryFiles(), path: '/' }) },
  { name: 'a folder as the root', make: () => ({ files: rootedFiles(freshFolder('root')), path: '/' }) },
]

/**
 * `$1` is a tree with a file `big`, `$2` the mounted folder; nothing is started in it, or Node would wait for the place it serves.
 * The first thing that goes wrong ends it.
 */
const script = `set -eu
cd "$2"
cp -r "$1" tree
diff -r "$1" tree
dd if="$1/big" of=dd bs=100k 2>/dev/null
cmp "$1/big" dd
dd if="$1/big" of=dd bs=4096 skip=10 seek=3 count=5 conv=notrunc 2>/dev/null
test "$(stat -c %s dd)" = "$(stat -c %s "$1/big")"
printf new >other
mv -f other dd
test "$(cat dd)" = new
printf ' and more' >>dd
test "$(cat dd)" = 'new and more'
truncate -s 3 dd
test "$(cat dd)" = new
truncate -s 1000000 dd
test "$(stat -c %s dd)" = 1000000
chmod 640 dd
touch -d @1100000000 dd
test "$(stat -c '%a %Y' dd)" = '640 1100000000'
ln -s dd soft
test "$(readlink soft)" = dd
ln dd hard
test "$(stat -c %s hard)" = 1000000
mkdir many
seq 1000 | while read n; do : >"many/$n"; done
test "$(ls -la many | grep -c ^-)" = 1000
df . >/dev/null
rm -r many tree dd soft hard
test -z "$(ls -A)"
`

describe('mounted by sshfs', { skip: lacksFuse() }, () => {
  for (const { name, make } of kinds)
    test(name, {}, async context => {
      const { files, path } = make()
      await using site = await fileSite(files)
      const near = freshFolder('near')
      makeTree(near, { names: 'text' })
      writeFileSync(`${near}/big`, bytesOf(6 * MiB + 7))
      const place = freshFolder('mounted')
      await using mounted = await sshfs(site.to, { key: userKey() }, path, place)
      if (mounted === undefined) {
        context.skip('nothing can be mounted here')
        return
      }
      const { code, stderr } = await finish(['sh', '-xc', script, 'sh', near, place], { name: 'programs', seconds: 50 })
      assert.equal(code, 0, stderr.split('\n').slice(-6).join('\n'))
      assert.deepEqual(site.faults, [])
    })
})
