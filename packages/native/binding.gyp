# C++ against Node-API and the OpenSSL that Node exports: one binary serves every Node from 24 on.
{
  'targets': [
    {
      'target_name': 'nacre_native',
      'sources': ['src/addon.cc', 'src/peer.cc', 'src/tunnel.cc'],
      'defines': ['OPENSSL_API_COMPAT=30000', 'OPENSSL_NO_DEPRECATED'],
      'cflags_cc': ['-std=c++17', '-O2', '-Wall', '-Wextra', '-fno-exceptions', '-fno-rtti', '-fstack-protector-strong'],
      # All symbols are looked for when the addon is loaded: a runtime without OpenSSL then refuses it, and does not die later.
      'conditions': [['OS != "mac" and OS != "win"', {'ldflags': ['-Wl,-z,now', '-Wl,-z,relro', '-Wl,-z,noexecstack']}]],
    }
  ]
}
