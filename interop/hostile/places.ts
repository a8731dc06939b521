// Owns where rude peers meet our server and our client: honest company beside them, a list of how they fared, and what a
// hostile client does to be let in. Knows nothing of how they are rude.
import assert from 'node:assert/strict'
import { connect, type ExplicitOptions, insecureAcceptAnyHostKey } from 'nacre'
import type { ServerConnection, ServerOptions } from 'nacre/server'
import type { HostileOptions } from 'nacre/testing'
import { UserauthSuccess } from '../../packages/nacre/src/auth/messages.ts'
import { ChannelOpen, ChannelOpenConfirmation, ChannelRequest } from '../../packages/nacre/src/connection/messages.ts'
import { Writer } from '../../packages/nacre/src/wire/writer.ts'
import { Attacker, eventually, trap } from './attacker.ts'
import { Company, ourServer } from './company.ts'
import { backTo, holdings } from './ledger.ts'

/** One server with honest company and a list of how attackers fared. */
export const ground = async (options: Partial<Omit<ServerOptions<string>, 'hostKeys'>> = {}) => {
  const errors: unknown[] = []
  const endings: { readonly port: number; readonly error: Error }[] = []
  const { server, port } = await ourServer({
    ...options,
    onError: error => errors.push(error),
    onEvent: (event, connection) => {
      if (event.is === 'ended') endings.push({ port: connection.remote?.port ?? 0, error: event.error })
    },
  })
  const company = await Company.at(port)
  await company.undisturbed()
  return {
    port,
    company,
    before: holdings(),
    connectionOf(attacker: Attacker): ServerConnection<string> | undefined {
      return [...server.connections].find(each => each.remote?.port === attacker.port)
    },
    /** Waits until our side has given the attacker up, and says why. */
    async endOf(attacker: Attacker): Promise<Error> {
      const found = (): Error | undefined => endings.find(each => each.port === attacker.port)?.error
      await eventually(
        () => found() !== undefined,
        () => 'the attacker was given up',
      )
      attacker.socket.destroy()
      return found() ?? new Error('nothing was reported')
    },
    async [Symbol.asyncDispose]() {
      await company.undisturbed()
      await backTo(this.before)
      assert.deepEqual(errors, [], 'no handler of ours failed')
      await company[Symbol.asyncDispose]()
      await server.close()
    },
  }
}

/** Our client and a hostile server that it has reached. */
export const lured = async (hostile: HostileOptions, options: Partial<ExplicitOptions>) => {
  const before = holdings()
  const met = Promise.withResolvers<Attacker>()
  const trapped = await trap(socket => met.resolve(new Attacker('server', socket, hostile).start()))
  const connecting = connect(
    { host: '127.0.0.1', port: trapped.port, user: 'ada' },
    { config: false, hostKey: insecureAcceptAnyHostKey, auth: {}, ...options },
  )
  connecting.catch(() => {})
  const attacker = await met.promise
  return {
    attacker,
    connecting,
    async [Symbol.asyncDispose]() {
      attacker.socket.destroy()
      await trapped[Symbol.asyncDispose]()
      await backTo(before)
    },
  }
}

/** Logs a hostile client in. */
export const login = async (attacker: Attacker): Promise<void> => {
  await attacker.until(() => attacker.exchanged, 'keys were exchanged')
  attacker.hostile.greet()
  await attacker.until(() => attacker.hostile.heardAll(UserauthSuccess).length > 0, 'the login')
}
export const openSession = async (attacker: Attacker, senderChannel = 0): Promise<void> => {
  const before = attacker.hostile.heardAll(ChannelOpenConfirmation).length
  attacker.hostile.send(ChannelOpen, {
    channelType: 'session',
    senderChannel,
    initialWindowSize: 0xffffffff,
    maximumPacketSize: 32 * 1024,
    details: new Uint8Array(0),
  })
  await attacker.until(() => attacker.hostile.heardAll(ChannelOpenConfirmation).length > before, 'the session was open')
}
export const run = (attacker: Attacker, recipientChannel: number, command: string): void => {
  const details = new Writer()
  details.text(command)
  attacker.hostile.send(ChannelRequest, { recipientChannel, requestType: 'exec', wantReply: true, details: details.written() })
  attacker.flush()
}
