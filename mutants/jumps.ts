// Faults on the way through other hosts: what a server lets its clients reach, channels as streams and transports, hops.
import type { Mutant } from './mutant.ts'

const placeTest = 'keys/permitted-place.test.ts'
const serverTest = 'server/direct-tcpip.test.ts'
const joinTest = 'io/socket-join-node.test.ts'
const transportTest = 'io/channel-transport.test.ts'
const hopsTest = 'client/hops.test.ts'
const commandTest = 'client/proxy-command-node.test.ts'

export const jumpMutants: readonly Mutant[] = [
  {
    name: 'permitopen is ignored',
    file: 'keys/permitted-place.ts',
    from: 'places === undefined ||',
    to: 'places?.length !== 0 ||',
    test: placeTest,
    fails: ['names a host with a port, and no other port or host', 'has a star for any port and for any host'],
  },
  {
    name: 'permitopen counts for every port of its host',
    file: 'keys/permitted-place.ts',
    from: 'place.port === port)',
    to: 'port > 0)',
    test: placeTest,
    fails: ['names a host with a port, and no other port or host'],
  },
  {
    name: 'a connection that is not permitted is made',
    file: 'server/direct.ts',
    from: 'if (verdict !== true)',
    to: "if (verdict === '')",
    test: serverTest,
    fails: ['refuses what is not permitted, with the words given, and connects to nothing then'],
  },
  {
    name: 'a text that refuses is taken for a yes',
    file: 'server/direct.ts',
    from: 'if (verdict !== true)',
    to: 'if (!verdict)',
    test: serverTest,
    fails: ['refuses what is not permitted, with the words given, and connects to nothing then'],
  },
  {
    name: 'a connection whose client has left is kept',
    file: 'server/direct.ts',
    from: 'reached.target.discard()',
    to: 'void reached.target',
    test: serverTest,
    fails: ['discards a connection whose client has left, and gives up connecting'],
  },
  {
    name: 'a paused transport over a channel takes all that comes',
    file: 'io/channel-transport.ts',
    from: 'if (!this.#paused && this.#held.length === 0) {',
    to: 'if (this.#held.length === 0) {',
    test: transportTest,
    fails: ['paused, holds a window and no more, and delivers it in order when it goes on'],
  },
  {
    name: 'bytes may change before they have been taken',
    file: 'io/channel-transport.ts',
    from: 'else waiting.then(taken, taken)',
    to: 'else queueMicrotask(taken)',
    test: transportTest,
    fails: ['tells nobody that bytes may change while the far side takes none'],
  },
  {
    name: 'a stream is closed when one direction has ended',
    file: 'io/channel-stream.ts',
    from: 'if (this.#ended && this.#incoming.ended)',
    to: 'if (this.#ended || this.#incoming.ended)',
    test: 'io/channel-stream.test.ts',
    fails: ['ends one direction while the other goes on, from either side'],
  },
  {
    name: 'a tap that waits holds nobody back',
    file: 'io/channel-stream.ts',
    from: 'if (taken === undefined) this.#port.consume(count)',
    to: 'if (taken !== null) this.#port.consume(count)',
    test: 'io/channel-stream.test.ts',
    fails: ['takes no more than a window while nobody reads, and all of it once somebody does'],
  },
  {
    name: 'a small piece for a socket overtakes those that are gathered',
    file: 'io/socket-join-node.ts',
    from: 'if (this.#gathered !== undefined) this.#gather(this.#gathered, bytes)',
    to: 'if (this.#gathered !== undefined && bytes.length >= worthGathering) this.#gather(this.#gathered, bytes)',
    test: joinTest,
    fails: ['puts the small end of a piece behind its large beginning'],
  },
  {
    name: 'a socket nobody reads from is given all there is',
    file: 'io/socket-join-node.ts',
    from: 'return socket.writableLength < mostKept ? undefined',
    to: 'return socket.writableLength >= 0 ? undefined',
    test: joinTest,
    fails: ['holds a window and little more for an end that does not read, and goes on when it does'],
  },
  {
    name: 'a peer that awaits an acknowledgement is given one for bulk too',
    file: 'connection/window.ts',
    from: 'return this.#due <= fewBytes ? this.#giveBack() : 0',
    to: 'return this.#giveBack()',
    test: 'connection/flow-control.test.ts',
    fails: ['gets nothing while we may still say something, nor for bulk, nor does one that does not wait'],
  },
  {
    name: 'hops stay when the connection through them has ended',
    file: 'client/hops.ts',
    from: 'for (const connection of this.#ours.toReversed()) await connection.close()',
    to: 'await undefined',
    test: hopsTest,
    fails: ['goes over a channel of each, logged in at each as said there, and ends them all with the last'],
  },
  {
    name: 'a host is reached through itself, for ever',
    file: 'client/connect-node.ts',
    from: 'if (trail.includes(name))',
    to: 'if (trail.length > 100)',
    test: hopsTest,
    fails: ['never goes through itself'],
  },
  {
    name: 'a shell takes part of a host name for a command',
    file: 'client/proxy-command-node.ts',
    from: 'if (!odd.test(value)) return value',
    to: 'if (value !== what) return value',
    test: commandTest,
    fails: ['stand for no name that a shell would take apart'],
  },
]
