// Owns loading the addon. Throws when it was not built, or when the runtime does not carry the OpenSSL it links to; nacre
// then does without. Knows nothing of what the addon computes.
'use strict'
// oxlint-disable-next-line typescript/no-require-imports -- an addon cannot be imported
module.exports = require('./build/Release/nacre_native.node')
