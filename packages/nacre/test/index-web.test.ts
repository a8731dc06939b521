// The public face without Node: it bundles for browsers as it is, and it keeps step with Node's.
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { describe, test } from 'node:test'
import { build } from 'esbuild'
import * as onNode from '../src/index.ts'
import * as onWeb from '../src/index-web.ts'
import * as serverOnNode from '../src/server/index.ts'
import * as serverOnWeb from '../src/server/index-web.ts'
import * as filesOnNode from '../src/sftp/server/index.ts'
import * as filesOnWeb from '../src/sftp/server/index-web.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Everything that `entry` reaches, as a browser would load it. Names that a browser does not have are errors of esbuild's. */
const bundled = async (entry: string): Promise<string> => {
  const result = await build({
    stdin: { contents: `export * from '${entry}'`, resolveDir: root },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    conditions: ['nacre-source'],
    logLevel: 'silent',
  })
  assert.deepEqual(result.warnings, [])
  return result.outputFiles[0].text
}

describe('a bundle for browsers', () => {
  for (const entry of [
    'nacre',
    'nacre/web',
    'nacre/server',
    'nacre/sftp',
    'nacre/sftp/server',
    'nacre/keys',
    'nacre/agent',
    'nacre/engine',
    'nacre/crypto/web',
    'nacre/io/web-socket',
  ])
    test(`${entry} needs nothing of Node`, async () => {
      const text = await bundled(entry)
      assert.doesNotMatch(text, /["']node:/)
      assert.doesNotMatch(text, /\brequire\("(crypto|fs|buffer)"\)/)
    })
})

describe('what the two faces export', () => {
  /** Of a program's files, sockets and processes. */
  const ofNodeOnly = [
    'configuredOptions',
    'connectAgent',
    'connectOrJoin',
    'connectShared',
    'controlMaster',
    'shareConnection',
    'fileSigner',
    'fromDuplex',
    'knownHosts',
    'loadLazySigner',
    'loadSigner',
    'nodeRuntime',
    'openssh',
    'readOpensshConfig',
    'optionLine',
    'agentSigners',
    'scanHostKeys',
    'knownHostsCommand',
    'parseResolvConf',
    'sshfpResolver',
    'x11Authentication',
    'openTunnelDevice',
  ]
  const ofWebOnly = ['fromWebSocket', 'generateKeyNumbers', 'webCrypto', 'webRuntime']
  const names = (module: object): readonly string[] => Object.keys(module).sort()

  test('the web has all that needs no Node', () => {
    const common = names(onNode).filter(name => !ofNodeOnly.includes(name))
    assert.deepEqual(
      common.filter(name => !(name in onWeb)),
      [],
    )
    assert.deepEqual(
      names(onWeb).filter(name => !common.includes(name)),
      ofWebOnly,
    )
  })

  test('so has the server', () => {
    const ofServerOnNode = [
      'Listening',
      'NodeServer',
      'directTcpip',
      'fromDuplex',
      'isWorker',
      'loadSigner',
      'nodeSockets',
      'openTunnelDevice',
      'runWorkers',
    ]
    const common = names(serverOnNode).filter(name => !ofServerOnNode.includes(name))
    assert.deepEqual(
      common.filter(name => !(name in serverOnWeb)),
      [],
    )
  })

  test('so has the server of files', () => {
    const ofDisks = ['localFiles', 'rootedFiles']
    assert.deepEqual(
      names(filesOnNode).filter(name => !ofDisks.includes(name)),
      names(filesOnWeb),
    )
  })
})
