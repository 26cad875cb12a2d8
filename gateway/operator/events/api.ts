// GET /api/events.
import { Hono } from 'hono';
import { type OperatorEnv, Refusal } from '../context.ts';
import type { Feed } from './feed.ts';

/** A proxy in front must not wait for more before it passes an event on (nginx, X-Accel-Buffering). */
const FIELDS = { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' } as const;

export function eventsApi(feed: Feed): Hono<OperatorEnv> {
  return new Hono<OperatorEnv>().get('/', async (c) => {
    if (c.req.method === 'HEAD') return c.body(null, 200, FIELDS); // Nobody would read the stream.
    const lastEventId = c.req.header('last-event-id');
    const mayListen = c.get('isStillKnown') ?? (() => false);
    const stream = await feed.open({ lastEventId, mayListen });
    if (!stream) {
      throw new Refusal(503, 'there is no room for another event stream, or the gateway is stopping', {
        headers: { 'retry-after': '5' },
      });
    }
    return c.body(stream, 200, FIELDS);
  });
}
