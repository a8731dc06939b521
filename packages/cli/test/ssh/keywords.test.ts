// Every keyword of ssh_config is read by somebody, or says that it has no effect: nothing is silently ignored.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { clientKeywords } from 'nacre/config'

type Property = keyof typeof clientKeywords

/** Which file acts on which values. A new keyword that has an effect stands here with the file that brings it about. */
const readBy: Readonly<Record<string, string>> = {
  'nacre/src/config/client-config.ts':
    'user hostName clearAllForwardings updateHostKeys hostKeyAlias refuseConnection exitOnForwardFailure remoteCommand localCommand',
  'nacre/src/config/canonical-host.ts':
    'canonicalizeHostname canonicalizeFallbackLocal canonicalizeMaxDots canonicalDomains canonicalizePermittedCnames',
  'nacre/src/config/client-match.ts': 'tag sessionType',
  'nacre/src/config/client-keywords.ts': 'ignoreUnknown',
  'nacre/src/config/sent-environment.ts': 'sendEnv setEnv',
  'nacre/src/client/configured-node.ts':
    'addressFamily addKeysToAgent bindAddress bindInterface caSignatureAlgorithms certificateFile channelTimeout checkHostIp ciphers compression connectTimeout connectionAttempts fingerprintHash forwardAgent globalKnownHostsFile hashKnownHosts hostKeyAlgorithms hostbasedAcceptedAlgorithms hostbasedAuthentication identitiesOnly identityAgent identityFile ipQos kbdInteractiveAuthentication kbdInteractiveDevices kexAlgorithms knownHostsCommand macs noHostAuthenticationForLocalhost numberOfPasswordPrompts passwordAuthentication preferredAuthentications proxyCommand proxyJump pubkeyAcceptedAlgorithms pubkeyAuthentication rekeyLimit requiredRsaSize revokedHostKeys serverAliveCountMax serverAliveInterval strictHostKeyChecking tcpKeepAlive userKnownHostsFile verifyHostKeyDns versionAddendum',
  'nacre/src/client/connect-node.ts': 'port',
  'cli/src/ssh/connect-options.ts': 'batchMode warnWeakCrypto',
  'cli/src/ssh/host-keys.ts': 'visualHostKey',
  'cli/src/ssh/local-command.ts': 'permitLocalCommand',
  'cli/src/ssh/session.ts': 'requestTty stdinNull escapeChar obscureKeystrokeTiming',
  'cli/src/ssh/session-keys.ts': 'enableEscapeCommandline',
  'cli/src/ssh/forwards.ts':
    'localForward remoteForward dynamicForward gatewayPorts permitRemoteOpen streamLocalBindMask streamLocalBindUnlink',
  'cli/src/ssh/tunnel.ts': 'tunnel tunnelDevice',
  'cli/src/ssh/x11.ts': 'forwardX11 forwardX11Trusted forwardX11Timeout xAuthLocation',
  'cli/src/ssh/mux.ts': 'controlMaster controlPath controlPersist',
  'cli/src/commands/ssh.ts': 'forkAfterAuthentication logLevel syslogFacility',
}

const sourceOf = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const named: ReadonlyMap<string, string> = new Map(
  Object.entries(readBy).flatMap(([path, names]) => names.split(' ').map(name => [name, path] as const)),
)

describe('a keyword', () => {
  for (const [property, row] of Object.entries(clientKeywords) as [Property, (typeof clientKeywords)[Property]][]) {
    const path = named.get(property)
    const idle = 'notInEffect' in row && row.notInEffect !== undefined
    test(`${row.name} ${idle ? 'has no effect, which it says' : `is acted on by ${path ?? 'nobody'}`}`, () => {
      if (idle) {
        assert.equal(path, undefined, `${row.name} has an effect: the row must not say that it has none`)
        return
      }
      assert.ok(path !== undefined, `nobody is said to act on ${row.name}`)
      assert.match(sourceOf(path), new RegExp(`\\b${property}\\b`), `${path} knows nothing of ${property}`)
    })
  }
  test('that is said to be acted on exists', () => {
    for (const name of named.keys()) assert.ok(Object.hasOwn(clientKeywords, name), name)
  })
})
