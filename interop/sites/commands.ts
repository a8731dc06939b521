// Owns starting our commands, as a person would, with the options of OpenSSH's. Knows nothing of the peers.
import { fileURLToPath } from 'node:url'
import { type OpenSshServerOptions, sshCommand, sshdServer } from '../peers/openssh.ts'
import type { ClientPeer, ClientRequest, PeerServer, Prepared } from '../peers/peer.ts'
import { finish } from '../rig/process.ts'

const launcher = fileURLToPath(new URL('../../packages/cli/bin/nacre.js', import.meta.url))

/** The words that start one of our commands. */
export const nacre = (...words: readonly string[]): readonly string[] => [process.execPath, launcher, ...words]

/** The command line of `nacre ssh` for a request. */
export const nacreSshCommand = (request: ClientRequest): Prepared => sshCommand('nacre ssh', nacre('ssh'), request)

/** Our `ssh`. It has nobody to ask here; a terminal is what the tests of prompts give it. */
export const nacreSsh: ClientPeer = {
  name: 'nacre ssh',
  run: request => {
    const { command, options } = nacreSshCommand(request)
    return finish(command, {
      ...options,
      stdin: request.stdin ?? '',
      ...(request.seconds === undefined ? {} : { seconds: request.seconds }),
    })
  },
}

/** Our `sshd`, in the world of the tests. */
export const nacreSshd = (options: OpenSshServerOptions): Promise<PeerServer> => sshdServer('nacre sshd', nacre('sshd'), options)
