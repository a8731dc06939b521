// Faults in sharing connections: the engine without transport, the master's dialogue, what proxy clients may, and who is told what.
import type { Mutant } from './mutant.ts'

const engineTest = 'engine/shared.test.ts'
const protocolTest = 'mux/protocol.test.ts'
const sharingTest = 'mux/sharing.test.ts'

export const sharingMutants: readonly Mutant[] = [
  {
    name: 'a master of OpenSSH is asked what it cuts us off for',
    file: 'engine/shared.ts',
    from: "if (this.#config.requests === 'openssh' &&",
    to: "if (this.#config.requests === 'all' &&",
    test: engineTest,
    fails: ['what it would cut us off for is not sent, and fails'],
  },
  {
    name: 'messages of other layers are let through on a shared connection',
    file: 'engine/shared.ts',
    from: 'if (harmless.has(payload[0])) return',
    to: 'return',
    test: engineTest,
    fails: ['ends at a message of another layer, and says nothing to the master'],
  },
  {
    name: 'plain packets have no upper bound',
    file: 'engine/plain-packets.ts',
    from: 'if (length > mostPlainBytes)',
    to: 'if (length > 0xffffffff)',
    test: engineTest,
    fails: ['drop padding that somebody adds, and refuse what cannot be'],
  },
  {
    name: 'who shares takes any version of the protocol',
    file: 'mux/master.ts',
    from: 'if (version !== muxVersion) throw new WireError',
    to: 'if (version < 0) throw new WireError',
    test: protocolTest,
    fails: ['cuts off who does not begin with a greeting of version 4'],
  },
  {
    name: 'who shares asks nobody whether it may',
    file: 'mux/master.ts',
    from: 'if (await this.#host.permit(question)) return true',
    to: 'if ((await this.#host.permit(question)) || true) return true',
    test: sharingTest,
    fails: ['does nothing that is not permitted, and says so'],
  },
  {
    name: 'a proxy client cancels what others listen for',
    file: 'mux/proxy.ts',
    from: 'return asked === undefined ? undefined : () => void this.#ports.delete(asked)',
    to: 'return asked === undefined ? () => {} : () => void this.#ports.delete(asked)',
    test: sharingTest,
    fails: ['cannot cancel what another listens for'],
  },
  {
    name: 'a proxy client opens whatever it likes',
    file: 'mux/proxy.ts',
    from: 'if (!opens.has(question.channelType) || ',
    to: 'if (',
    test: sharingTest,
    fails: ['opens no channels of other kinds'],
  },
  {
    name: 'an agent is lent after its session',
    file: 'mux/proxy.ts',
    from: 'if (this.#lenders.delete(port) && this.#lenders.size === 0)',
    to: 'if (this.#lenders.size === 0)',
    test: sharingTest,
    fails: ['lends its own agent, whatever the others lend, while its session is open'],
  },
  {
    name: 'forwards of clients keep no rules',
    file: 'mux/sharing.ts',
    from: 'new MasterForwards(connection, forwards)',
    to: 'new MasterForwards(connection)',
    test: sharingTest,
    fails: ['holds forwards to its own rules: who may connect to them, where they lead, how their sockets are made'],
  },
  {
    name: 'the server listens on for a client that has gone',
    file: 'mux/proxy.ts',
    from: 'for (const { address, port } of this.#ports) link.notify(',
    to: 'for (const { address, port } of []) link.notify(',
    test: sharingTest,
    fails: ['has the server listen no more when it goes'],
  },
  {
    name: 'a connection that is lost looks like channels that were closed',
    file: 'mux/bridge.ts',
    from: 'if (error === undefined || !this.#keepsWhenLost) this.#to.close()',
    to: 'this.#to.close()',
    test: sharingTest,
    fails: ['is told when the connection under all has ended'],
  },
  {
    name: 'a shared connection ends although somebody is there',
    file: 'mux/sharing.ts',
    from: 'if (this.clients > 0 || this.#connection.link.openChannels > 0) quietSince = now',
    to: 'if (this.clients < 0) quietSince = now',
    test: sharingTest,
    fails: ['ends when nobody has needed the connection for so long, and not before'],
  },
  {
    name: 'an answer to another request counts',
    file: 'mux/control.ts',
    from: 'if (value.requestId !== this.#requestId - 1)',
    to: 'if (value.requestId < 0)',
    test: protocolTest,
    fails: ['takes an answer to another request for a fault'],
  },
]
