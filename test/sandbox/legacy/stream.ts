import type { IncomingMessage, ServerResponse } from 'node:http';
import { symbolOf } from '../symbols.ts';
import { Problem } from './problem.ts';
import { float, nowIso, pythonJson } from './python.ts';

/** Clients that may listen at once; more are told to come back. */
const STREAMS_MAX = 200;
/** A client that has not read this much is cut off rather than buffered for. */
const UNREAD_BYTES_MAX = 64 * 1024;
const RETRY_MS = 1_000;

export interface PriceStreams {
  /** Answers with an event stream of a token's price until the client leaves. Throws a Problem: 404, 503. */
  open(token: string, incoming: IncomingMessage, outgoing: ServerResponse): void;
  /** Ends all streams, so that clients resume elsewhere by Last-Event-ID. */
  close(): void;
}

export interface PriceStreamsOptions {
  readonly price: (symbol: string) => Promise<string>;
  readonly now: () => number;
  /** Between two prices, ms. */
  readonly everyMs?: number;
  /** Between two heartbeat comments, ms. */
  readonly heartbeatMs?: number;
}

/** Server-sent events in the manner of sse-starlette: numbered events, "ping" comments, one price per second. */
export function createPriceStreams(options: PriceStreamsOptions): PriceStreams {
  const { price, now, everyMs = 1_000, heartbeatMs = 15_000 } = options;
  const open = new Set<() => void>();
  return {
    open(token, incoming, outgoing) {
      const symbol = symbolOf(token) ? token : `${token}USDT`;
      if (!symbolOf(symbol)) throw new Problem(404, `unknown token: ${token}`);
      if (open.size >= STREAMS_MAX) throw new Problem(503, 'too many streams are open');
      // Numbers go on after the last one that the client saw, so that a reconnect does not repeat an id.
      let id = Number(incoming.headers['last-event-id']) || 0;
      const write = (text: string): void => {
        if (outgoing.writableLength > UNREAD_BYTES_MAX) outgoing.destroy();
        else outgoing.write(text);
      };
      const send = (event: object): void => {
        id += 1;
        write(`id: ${id}\ndata: ${pythonJson({ ...event, timestamp: now() })}\n\n`);
      };
      const tick = (): void => {
        price(symbol).then(
          (text) => send({ type: 'price_update', symbol, price: float(text) }),
          () => send({ type: 'error', symbol, message: 'no price' }),
        );
      };
      outgoing.writeHead(200, {
        server: 'uvicorn',
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache',
        'x-accel-buffering': 'no',
      });
      write(`retry: ${RETRY_MS}\n\n`);
      send({ type: 'connected', symbol });
      tick();
      const timers = [
        setInterval(tick, everyMs),
        setInterval(() => write(`: ping - ${nowIso(now())}\n\n`), heartbeatMs),
      ];
      const end = (): void => {
        for (const timer of timers) clearInterval(timer);
        open.delete(end);
        outgoing.end();
      };
      open.add(end);
      outgoing.once('close', end);
    },
    close() {
      for (const end of [...open]) end();
    },
  };
}
