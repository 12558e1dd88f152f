// What the WebRTC transport process runs: native code that strangers' packets reach, apart from recordings, and gone with the server.

import type { ToTransport } from './adapters/webrtc/messages.ts'
import { Transport } from './adapters/webrtc/transport.ts'

if (!process.send) throw new Error('webrtc-transport.ts runs as a child process only')
const transport = new Transport((message) => process.send?.(message))

process.on('message', (message: ToTransport) => void transport.take(message))
process.on('disconnect', () => process.exit(0))
// Ctrl-C reaches the whole group: the server says when it is time.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
