// Owns which channels a client takes from the server: nothing, until somebody has asked for something that makes a server open
// one (a forward, an agent, a display). Knows nothing of what is carried over them.
import type { OpenQuestion } from '../connection/events.ts'

/** Takes or refuses a channel, now or later. `false`: it is none of mine, and the next is asked. */
export type ChannelServer = (question: OpenQuestion) => boolean

/** Everybody who takes channels of a connection, by their type. */
export class ServedChannels {
  readonly #servers = new Map<string, ChannelServer[]>()

  /** Asks `server` about channels of a type, those who came before first. The result ends that. */
  serve(channelType: string, server: ChannelServer): () => void {
    const list = this.#servers.get(channelType) ?? []
    this.#servers.set(channelType, list)
    list.push(server)
    return () => {
      const at = list.indexOf(server)
      if (at >= 0) list.splice(at, 1)
      if (list.length === 0 && this.#servers.get(channelType) === list) this.#servers.delete(channelType)
    }
  }

  /** Answers, or has it answered. */
  requested(question: OpenQuestion): void {
    for (const server of this.#servers.get(question.channelType) ?? []) if (server(question)) return
    question.refuse('administratively-prohibited', 'not asked for by this client')
  }
}
