// A WebSocket's client that speaks HTTP/2: it asks by extended CONNECT (RFC 8441), and one stream of its connection carries the
// frames. Its upstream is asked by HTTP/1.1 all the same.
import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, type Http2ServerResponse } from 'node:http2';
import { readEarly } from './early-bytes.ts';
import { connectionOf } from './edge.ts';
import type { UpgradeClient } from './upgrade-client.ts';

const NO_BYTES = Buffer.alloc(0);
/** RFC 6455 section 1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** RFC 8441 section 5: of the fields of the handshake these have no meaning in HTTP/2. */
const OF_HTTP1_ONLY = new Set(['sec-websocket-key', 'sec-websocket-accept', 'http2-settings']);

/**
 * A client of HTTP/2 that has asked by extended CONNECT (RFC 8441), with its fields as HTTP/1.1 has them. The upstream is
 * asked with a key of the gateway's own.
 */
export function http2Client(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  fields: readonly string[],
): UpgradeClient {
  const { stream } = outgoing as unknown as Http2ServerResponse; // What Node's server gives with a request of HTTP/2.
  const left = new AbortController();
  let isAnswered = false;
  stream.on('error', () => {}); // A 'close' follows.
  const early = readEarly(stream, NO_BYTES, () => {
    early.take();
    stream.close(constants.NGHTTP2_CANCEL);
    left.abort();
  });
  const key = randomBytes(16).toString('base64');
  const lowered = (pairs: readonly string[]) =>
    withoutFields(pairs, OF_HTTP1_ONLY).map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text));
  return {
    target: incoming.url ?? '/',
    pairs: [...withoutFields(fields, OF_HTTP1_ONLY), 'Sec-WebSocket-Key', key, 'Upgrade', 'websocket'],
    connection: connectionOf(incoming.socket),
    accept: createHash('sha1').update(`${key}${ACCEPT_SUFFIX}`).digest('base64'),
    left: left.signal,
    version: incoming.httpVersion,
    switchedStatus: 200,
    switchTo(_protocol, answered) {
      if (stream.closed || stream.destroyed) return { failure: 'client_left' };
      try {
        stream.respond([':status', '200', ...lowered(answered)]);
      } catch (error) {
        return { failure: 'response_invalid', error }; // Fields that HTTP/1.1 lets pass and HTTP/2 does not.
      }
      isAnswered = true;
      return { stream, early: early.take() };
    },
    refuse() {
      early.take();
      if (stream.closed || stream.destroyed || isAnswered) return undefined;
      isAnswered = true;
      // What the client might still send has nowhere to go (RFC 9113 section 8.1).
      stream.once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR));
      return outgoing;
    },
    cut: () => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
  };
}

function withoutFields(pairs: readonly string[], lowerNames: ReadonlySet<string>): string[] {
  return pairs.filter((_, i) => !lowerNames.has((pairs[i - (i % 2)] ?? '').toLowerCase()));
}
