// Server-sent events: one channel each, resumed by Last-Event-ID (WHATWG HTML section 9.2).
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from 'hono';
import { z } from 'zod';
import { type Authenticate, isProblem } from '../auth/authenticate.ts';
import { channels } from '../bus/bus.ts';
import { parseNewsId } from '../bus/news.ts';
import type { Clock } from '../domain/ids.ts';
import { fail, parse, type Route, symbolName, userId } from '../http.ts';
import type { Metrics } from '../metrics.ts';
import { createDelivery, type Gap, type SlowPolicy } from './delivery.ts';
import type { Feeds } from './feeds.ts';
import type { Frame } from './frame.ts';
import { gapData, plainMessage, pulseCategory } from './socket-messages.ts';

const STREAMS_MAX = 20_000;
const UNSENT_BYTES_MAX = 64 * 1024;
/** What clients are told to wait before they come back. */
const RETRY_MS = 2000;
const HEARTBEAT_MS = 15_000;
const HEARTBEAT = Buffer.from(': still here\n\n');
const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no', // Nor may a proxy hold events back (nginx).
};

export type EventsDeps = {
  readonly feeds: Feeds;
  readonly authenticate: Authenticate | undefined;
  readonly metrics: Pick<Metrics, 'streamGaps' | 'streamsOpen' | 'streamsEnded'>;
  readonly now: Clock;
};

export type EventStreams = {
  /** Answers with the channel's news from now on, or after the request's Last-Event-ID. */
  readonly open: (context: Context, channel: string, policy: SlowPolicy) => Response;
  /** Ends every stream at a random moment within `spreadMs`, so that clients come back elsewhere, and not all at once. */
  readonly close: (options: { spreadMs: number }) => Promise<void>;
};

const pulseQuery = z.object({ category: pulseCategory.default('new_pairs') });

type Stream = { readonly end: () => void };

type Asked = { readonly lastId?: string; readonly authorization?: string };

function headersOf({ req }: Context): Asked {
  const lastId = req.header('last-event-id');
  const authorization = req.header('authorization');
  return { ...(lastId !== undefined && { lastId }), ...(authorization !== undefined && { authorization }) };
}

/** Ends the stream of a token that no longer holds. */
async function recheck(
  authenticate: Authenticate | undefined,
  authorization: string | undefined,
  end: () => void,
): Promise<void> {
  const identity = await authenticate?.(authorization);
  if (identity && isProblem(identity) && identity.code !== 'auth_unavailable') end();
}

export function createEventStreams(deps: EventsDeps): EventStreams {
  const { feeds, authenticate, metrics, now } = deps;
  const open = new Set<Stream>();
  let isClosing = false;

  function bodyOf(channel: string, policy: SlowPolicy, headers: Asked) {
    let stop = () => {};
    let drained = () => {};
    const source = {
      start(controller: ReadableStreamDefaultController<Uint8Array>) {
        const end = () => {
          if (!open.has(stream)) return;
          stop();
          controller.close();
        };
        const stream = { end };
        const endSlow = () => {
          metrics.streamsEnded.inc({ code: 'slow' });
          end();
        };
        const say = (type: string, data: object) =>
          controller.enqueue(Buffer.from(`data: ${plainMessage(type, data, now())}\n\n`));
        const tellGap = (gap: Gap) => {
          metrics.streamGaps.inc({ reason: gap.reason });
          say('gap', gapData(channel, gap));
        };
        const isFull = () => (controller.desiredSize ?? 0) <= 0;
        const delivery = createDelivery(
          { send: (frame: Frame) => controller.enqueue(frame.eventBytes()), tellGap, isFull, endSlow },
          policy,
        );
        drained = delivery.drained;
        const heartbeat = setInterval(() => {
          if (!isFull()) controller.enqueue(HEARTBEAT);
          void recheck(authenticate, headers.authorization, end);
        }, HEARTBEAT_MS);
        open.add(stream);
        metrics.streamsOpen.inc({ kind: 'events' });
        controller.enqueue(Buffer.from(`retry: ${RETRY_MS}\n`));
        say('connected', { channel });
        const leave = feeds.follow(channel, {
          begin(kept) {
            const after = headers.lastId === undefined ? undefined : parseNewsId(headers.lastId);
            if (headers.lastId !== undefined && !after) tellGap({ reason: 'lost', after, next: kept.at(-1) });
            delivery.begin(kept, after);
          },
          offer: delivery.offer,
        });
        stop = () => {
          clearInterval(heartbeat);
          leave();
          if (open.delete(stream)) metrics.streamsOpen.dec({ kind: 'events' });
          stop = () => {};
        };
      },
      pull: () => drained(),
      cancel: () => stop(),
    };
    return new ReadableStream(source, {
      highWaterMark: UNSENT_BYTES_MAX,
      size: (chunk: Uint8Array) => chunk.byteLength,
    });
  }

  return {
    open(context, channel, policy) {
      // On a connection that is kept alive: it would keep the server from closing.
      if (isClosing) fail('streams_full', 'this backend is stopping');
      if (open.size >= STREAMS_MAX) fail('streams_full', `${STREAMS_MAX} event streams are open already`);
      return new Response(bodyOf(channel, policy, headersOf(context)), { headers: HEADERS });
    },
    async close({ spreadMs }) {
      isClosing = true;
      await Promise.all(
        [...open].map(async (stream) => {
          await delay(Math.random() * spreadMs);
          if (!open.has(stream)) return;
          metrics.streamsEnded.inc({ code: 'restart' });
          stream.end();
        }),
      );
    },
  };
}

export function eventRoutes(route: Route, { events }: { readonly events: EventStreams }): void {
  route(
    'GET',
    '/api/sse/price/:token',
    (context) => events.open(context, channels.price(parse(symbolName, context.req.param('token'))), 'conflate'),
    { summary: 'A token’s price as an event stream' },
  );
  route(
    'GET',
    '/api/sse/market/:symbol',
    (context) => events.open(context, channels.market(parse(symbolName, context.req.param('symbol'))), 'conflate'),
    { summary: 'A symbol’s market as an event stream' },
  );
  route(
    'GET',
    '/api/sse/orders/:user_id',
    (context) => events.open(context, channels.orders(parse(userId, context.req.param('user_id'))), 'end'),
    { summary: 'A user’s orders as an event stream' },
  );
  route(
    'GET',
    '/api/sse/pulse',
    (context) => events.open(context, channels.pulse(parse(pulseQuery, context.req.query()).category), 'end'),
    { summary: 'Tokens as they come into a category of the pulse, as an event stream' },
  );
}
