// What passes on streams: one market tick, as a WebSocket's frame each way and as an event, each of a fixed length, so that a
// generator and an upstream that only count bytes know how many have come.

/** As a market feed sends it; short enough for a frame's shortest header. */
const TICK =
  '{"s":"BTCUSDT","p":"65000.50","q":"0.0150","b":"65000.40","a":"65000.60","t":1767607200123,"u":400900217}~';

const FIN_TEXT = 0x81;
const MASKED = 0x80;
const MASK = Buffer.of(0x37, 0xfa, 0x21, 0x3d);

/** A tick from a server: unmasked (RFC 6455 section 5.1). */
export const SERVER_FRAME = Buffer.concat([Buffer.of(FIN_TEXT, TICK.length), Buffer.from(TICK)]);

/** The same from a client. */
export const CLIENT_FRAME = Buffer.concat([
  Buffer.of(FIN_TEXT, MASKED | TICK.length),
  MASK,
  Buffer.from(TICK).map((byte, at) => byte ^ (MASK[at % MASK.length] ?? 0)),
]);

/** The same as an event. */
export const EVENT = Buffer.from(`data: ${TICK}\n\n`);
/** In each event exactly once, and nowhere in what frames it (`~`). */
export const EVENT_MARK = 0x7e;
export const EVENTS_PER_SECOND = 20;

/** What passes on a stream once it is open. `echo`: the client speaks, and speaks again when it is answered. `feed`: the
 * server writes as fast as it is read, from the client's first word on. `idle`: nothing. `events`: an event stream with EVENTS_PER_SECOND. */
export type StreamKind = 'echo' | 'feed' | 'idle' | 'events';

/** The request that opens a stream. */
export function streamRequest(kind: StreamKind): string {
  const common =
    'Host: bench.test\r\nOrigin: http://bench.test\r\nUser-Agent: Mozilla/5.0 (X11; Linux x64) banyan-bench\r\n';
  if (kind === 'events') return `GET /api/sse/market/BTCUSDT HTTP/1.1\r\n${common}Accept: text/event-stream\r\n\r\n`;
  return (
    `GET /ws/trading?${kind} HTTP/1.1\r\n${common}Connection: Upgrade\r\nUpgrade: websocket\r\n` +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
  );
}
