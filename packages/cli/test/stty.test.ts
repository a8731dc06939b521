// Terminal modes in SSH's names and in stty's words.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { modesFromStty, sttyArguments } from '../src/stty.ts'

// `stty -a` of GNU coreutils 9.1.
const gnu = `speed 38400 baud; rows 24; columns 80; line = 0;
intr = ^C; quit = ^\\; erase = ^?; kill = ^U; eof = ^D; eol = <undef>; eol2 = <undef>; swtch = <undef>; start = ^Q; stop = ^S; susp = ^Z; rprnt = ^R; werase = ^W; lnext = ^V; discard = ^O; min = 1; time = 0;
-parenb -parodd -cmspar cs8 -hupcl -cstopb cread -clocal -crtscts
-ignbrk -brkint -ignpar -parmrk -inpck -istrip -inlcr -igncr icrnl ixon -ixoff -iuclc -ixany -imaxbel -iutf8
opost -olcuc -ocrnl onlcr -onocr -onlret -ofill -ofdel nl0 cr0 tab0 bs0 vt0 ff0
isig icanon iexten echo echoe echok -echonl -noflsh -xcase -tostop -echoprt echoctl echoke -flusho -extproc
`
// `stty -a` of macOS 14.
const bsd = `speed 9600 baud; 24 rows; 80 columns;
lflags: icanon isig iexten echo echoe -echok echoke -echonl echoctl
iflags: -istrip icrnl -inlcr -igncr ixon -ixoff ixany imaxbel iutf8
oflags: opost onlcr -oxtabs -onocr -onlret
cflags: cread cs8 -parenb -parodd hupcl -clocal
cchars: discard = ^O; dsusp = ^Y; eof = ^D; eol = <undef>;
	intr = ^C; kill = ^U; lnext = ^V; quit = ^\\; reprint = ^R; start = ^Q;
	stop = ^S; susp = ^Z; werase = ^W;
`

describe('what stty prints', () => {
  test('becomes modes', () => {
    const modes = modesFromStty(gnu)
    assert.deepEqual(
      [modes.VINTR, modes.VQUIT, modes.VERASE, modes.VEOL, modes.VEOF, modes.VREPRINT, modes.VDISCARD],
      [3, 0x1c, 0x7f, 255, 4, 0x12, 0x0f],
    )
    assert.deepEqual([modes.ICRNL, modes.IXANY, modes.ECHO, modes.ECHONL, modes.CS8, modes.PARENB], [1, 0, 1, 0, 1, 0])
    assert.deepEqual([modes.TTY_OP_ISPEED, modes.TTY_OP_OSPEED], [38400, 38400])
    assert.equal(modes.VSTATUS, undefined)
  })

  test('with two speeds, and characters above 127', () => {
    const modes = modesFromStty(gnu.replace('speed 38400 baud', 'ispeed 9600 baud; ospeed 38400 baud').replace('intr = ^C', 'intr = M-^C'))
    assert.deepEqual([modes.TTY_OP_ISPEED, modes.TTY_OP_OSPEED, modes.VINTR], [9600, 38400, 0x83])
  })

  test('of this system alone', { skip: process.platform !== 'linux' }, () => {
    const modes = modesFromStty(gnu)
    assert.deepEqual([modes.VSWTCH, modes.IUCLC, modes.XCASE, modes.OLCUC], [255, 0, 0, 0])
    const words = sttyArguments({ ...modes, VSTATUS: 20, PENDIN: 1 })
    assert.deepEqual(
      [words.includes('swtch'), words.includes('-olcuc'), words.includes('status'), words.includes('pendin')],
      [true, true, false, false],
    )
  })

  test('in the words of other systems too', () => {
    const modes = modesFromStty(bsd)
    assert.deepEqual([modes.VREPRINT, modes.VSTOP, modes.IXANY, modes.ECHOK, modes.IUTF8], [0x12, 0x13, 1, 0, 1])
  })

  test('and back: what was read can be set', () => {
    assert.deepEqual(modesFromStty(gnu).VINTR, 3)
    const words = sttyArguments(modesFromStty(gnu)).join(' ')
    for (const each of ['intr 0x3', 'eol undef', 'icrnl', '-ixany', 'cs8', 'ispeed 38400']) assert.ok(words.includes(each), each)
  })
})

describe('modes of a peer', () => {
  test('give only words stty knows', () => {
    assert.deepEqual(
      sttyArguments({ ECHO: 0, VERASE: 8, VKILL: 255, VEOF: 70000, TTY_OP_ISPEED: 31337, CS7: 0, VDSUSP: 25, constructor: 1, 'x; rm': 1 }),
      ['-echo', 'erase', '0x8', 'kill', 'undef'],
    )
  })
})
