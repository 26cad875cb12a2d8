// What clients of /ws/trading say, and what is said to them besides news.
import { z } from 'zod';
import { channels } from '../bus/bus.ts';
import { idOf, parseNewsId } from '../bus/news.ts';
import { INTERVAL_NAMES, isInterval } from '../exchange/intervals.ts';
import { symbolName, userId } from '../http.ts';
import { KLINES_MAX } from '../market/klines.ts';
import { CATEGORIES } from '../solana/pulse/categories.ts';
import type { Gap, SlowPolicy } from './delivery.ts';

const newsId = z.string().transform((text, context) => {
  const id = parseNewsId(text);
  if (id) return id;
  context.addIssue('after must be the id of a message');
  return z.NEVER;
});
/** A mint is 32 to 44 characters of base58, a symbol less. */
const TOKEN_CHARS_MAX = 44;

export const pulseCategory = z.enum(CATEGORIES, `category must be one of ${CATEGORIES.join(', ')}`);
/** A token is the symbol that it is traded as, or a mint. */
const TOKEN = /^(?:[A-Z0-9]{2,32}|[1-9A-HJ-NP-Za-km-z]{32,44})$/;
const channel = {
  channel: z
    .enum([
      ...(['market', 'market_events', 'price', 'orders', 'positions'] as const),
      ...(['pulse', 'pulse_updates', 'migrations', 'token_info', 'sniper', 'launches'] as const),
    ])
    .default('market'),
  token: z.string().regex(TOKEN, 'token must be a symbol, in upper-case letters and digits, or a mint').optional(),
  category: pulseCategory.optional(),
  user_id: userId.optional(),
};

export const clientMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('auth'), token: z.string().min(1) }),
  z.object({ type: z.literal('subscribe'), ...channel, after: newsId.optional(), timeframes: z.unknown().optional() }),
  z.object({ type: z.literal('unsubscribe'), ...channel }),
  z.object({
    type: z.literal('get_candles'),
    token: symbolName,
    timeframe: z.string().default('1m').refine(isInterval, `timeframe must be one of ${INTERVAL_NAMES}`),
    limit: z.int().min(1).max(KLINES_MAX).default(100),
  }),
  z.object({ type: z.literal('get_token_info'), token: z.string().max(TOKEN_CHARS_MAX) }),
  z.object({ type: z.literal('ping') }),
]);
export type ClientMessage = z.infer<typeof clientMessage>;
export type SubscribeMessage = Omit<Extract<ClientMessage, { type: 'subscribe' }>, 'type'>;
export type ChannelWanted = Pick<SubscribeMessage, 'channel' | 'token' | 'category' | 'user_id'>;

export type ErrorCode =
  | 'invalid_message'
  | 'unauthenticated'
  | 'forbidden'
  | 'too_many_subscriptions'
  | 'too_many_messages'
  | 'not_available'
  | 'failed';

/** Close codes: RFC 6455 section 7.4.1 and its registry; above 4000 our own. */
export const CLOSE = {
  notText: 1003,
  policy: 1008,
  restart: 1012,
  tooSlow: 4008,
  unauthenticated: 4401,
} as const;

/** The bus's name of what a client wants, whose it is, and what becomes of it for a slow reader. */
export type Wanted = { readonly name: string; readonly user: string | undefined; readonly policy: SlowPolicy };

const OF_TOKENS = {
  market: channels.market,
  market_events: channels.marketEvents,
  price: channels.price,
  token_info: channels.tokenInfo,
} as const;

/** Undefined when the message does not say which: a market's token, the pulse's category, or whose orders. */
export function wantedOf(wanted: ChannelWanted, self: string | undefined): Wanted | undefined {
  const user = wanted.user_id ?? self;
  if (wanted.channel === 'launches') return { name: channels.launches, user: undefined, policy: 'end' };
  if (wanted.channel === 'orders' || wanted.channel === 'positions' || wanted.channel === 'sniper')
    return user === undefined ? undefined : { name: channels[wanted.channel](user), user, policy: 'end' };
  if (wanted.channel === 'migrations') return { name: channels.migrations, user: undefined, policy: 'end' };
  if (wanted.channel === 'pulse' || wanted.channel === 'pulse_updates') {
    if (wanted.category === undefined) return undefined;
    return wanted.channel === 'pulse'
      ? { name: channels.pulse(wanted.category), user: undefined, policy: 'end' }
      : { name: channels.pulseUpdates(wanted.category), user: undefined, policy: 'conflate' };
  }
  if (wanted.token === undefined) return undefined;
  return { name: OF_TOKENS[wanted.channel](wanted.token), user: undefined, policy: 'conflate' };
}

/** What is said besides news. */
export type Reply = { readonly type: string; readonly data: object };

export const refusal = (code: ErrorCode, message: string): Reply => ({ type: 'error', data: { code, message } });
export const statusOf = (name: string, state: 'subscribed' | 'unsubscribed'): Reply => ({
  type: 'status',
  data: { channel: name, state },
});

/** A message that is no news: it has no number. */
export const plainMessage = (type: string, data: object, nowMs: number): string =>
  JSON.stringify({ type, data, timestamp: nowMs });

export const gapData = (name: string, { reason, after, next }: Gap): object => ({
  channel: name,
  reason,
  after: after ? idOf(after) : null,
  next: next ? idOf(next) : null,
});
