// The table of mounts: what is remote, what is read-only, what is a window into processes, and how devices are numbered.
import assert from 'node:assert/strict'
import { existsSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { deviceText, isOfProcesses, isRemote, parseMounts, readMounts, watchMounts } from '../../../src/sftp/files/mounts-node.ts'

const text = String.raw`21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
22 21 0:20 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
30 21 0:45 / /srv/with\040space rw,relatime shared:9 master:2 - nfs4 server:/export rw,vers=4.2
31 21 0:46 / /mnt/old ro,nosuid - ext4 /dev/vdb ro
32 22 0:47 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw
33 21 0:48 / /mnt/ro-super rw - squashfs /dev/loop0 ro
34 21 0:49 / /home/x/mnt rw - fuse.sshfs host: rw
not a row
`

test('rows of mountinfo', () => {
  const mounts = parseMounts(text)
  assert.equal(mounts.length, 7)
  assert.deepEqual(mounts[2], { id: 30, device: '0:45', point: '/srv/with space', type: 'nfs4', readOnly: false, noSetuid: false })
  assert.deepEqual(
    mounts.filter(({ readOnly }) => readOnly).map(({ point }) => point),
    ['/mnt/old', '/mnt/ro-super'],
  )
  assert.deepEqual(
    mounts.filter(({ noSetuid }) => noSetuid).map(({ point }) => point),
    ['/proc', '/mnt/old'],
  )
  assert.deepEqual(
    mounts.filter(isRemote).map(({ point }) => point),
    ['/srv/with space', '/home/x/mnt'],
  )
  assert.deepEqual(
    mounts.filter(isOfProcesses).map(({ point }) => point),
    ['/proc'],
  )
})

test('numbers of devices, small and large (makedev(3))', () => {
  assert.equal(deviceText(0xfe00n), '254:0')
  assert.equal(deviceText(0x2dn), '0:45')
  assert.equal(deviceText(0x10_0300n | ((5n << 32n) << 12n)), `${3 + (5 << 12)}:${0x100}`)
})

test('this machine: what it has mounted, and the device of /proc', { skip: !existsSync('/proc/self/mountinfo') && 'no /proc' }, () => {
  assert.ok((readMounts() ?? []).some(({ point }) => point === '/'))
  const proc = deviceText(statSync('/proc', { bigint: true }).dev)
  assert.ok(watchMounts('/').ofProcesses(0).has(proc))
  assert.equal(watchMounts('/proc/self').ofProcesses(0).has(proc), true)
  assert.equal(watchMounts('/nowhere in particular').ofProcesses(0).size, 0)
})
