// Owns what we call ourselves in an identification (RFC 4253 §4.2) and to people. Knows nothing of connections.
export const softwareVersion = 'nacre_0.1'
