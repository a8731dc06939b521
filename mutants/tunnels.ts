// Faults in tunnels: what a message is taken for, what happens without room, who may have one.
import type { Mutant } from './mutant.ts'

const test = 'forward/tunnel.test.ts'

export const tunnelMutants: readonly Mutant[] = [
  {
    name: 'IPv6 has the number it has on Linux',
    file: 'forward/tunnel.ts',
    from: '{ 4: 2, 6: 24 }',
    to: '{ 4: 2, 6: 10 }',
    test,
    fails: ['has its address family in front, by the numbers of OpenBSD'],
  },
  {
    name: 'the family of a message is not compared with its packet',
    file: 'forward/tunnel.ts',
    from: 'return familyOf(message[familyBytes]) === message[3] ? message.subarray(familyBytes) : undefined',
    to: 'return message.subarray(familyBytes)',
    test,
    fails: ['is not taken out of a message that is too short, or says another family'],
  },
  {
    name: 'a frame without a whole header goes into the device',
    file: 'forward/tunnel.ts',
    from: 'bytes.length < frameHeaderBytes ||',
    to: '',
    test,
    fails: ['carries frames as they are'],
  },
  {
    name: 'a device that finds no room is not told to wait',
    file: 'forward/tunnel.ts',
    from: "if (outcome === 'full') this.#device.pause()",
    to: '',
    test,
    fails: ['drops without room, has the device wait, and goes on once there is some'],
  },
  {
    name: 'a packet that does not fit is sent all the same',
    file: 'connection/channel.ts',
    from: "if (bytes.length > room || bytes.length > this.#packetLimit) return 'dropped'",
    to: "if (bytes.length > room) return 'dropped'",
    test,
    fails: ['never cuts a packet the peer cannot take'],
  },
  {
    name: 'tunnels are not counted',
    file: 'server/tunnels.ts',
    from: '>= this.#maximum) return { is:',
    to: '> this.#maximum) return { is:',
    test,
    fails: ['only so many at once'],
  },
  {
    name: 'a unit nobody has is asked for',
    file: 'server/tunnels.ts',
    from: 'remoteUnit > highestTunnelUnit && remoteUnit !== anyTunnelUnit',
    to: 'remoteUnit > 0xfffffffe',
    test,
    fails: ['for a kind and a device there are'],
  },
  {
    name: 'the key option restrict leaves tunnels',
    file: 'keys/key-options.ts',
    from: 'tunnels: false,',
    to: 'tunnels: true,',
    test: 'keys/key-options.test.ts',
    fails: ['tunnel, principals, and the flags of certificates and security keys'],
  },
]
