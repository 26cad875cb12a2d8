// One client of /ws/trading: who it is, how much it may say, and what it is answered. socket.ts has the connection.
import { type Authenticate, type Caller, callerOf, isProblem } from '../auth/authenticate.ts';
import type { Clock } from '../domain/ids.ts';
import type { Interval } from '../exchange/intervals.ts';
import type { Klines } from '../market/klines.ts';
import { klineView } from '../market/routes.ts';
import { CLOSE, type ClientMessage, clientMessage, plainMessage, type Reply, refusal } from './socket-messages.ts';
import { createSubscriptions, type SubscriptionsDeps } from './socket-subscriptions.ts';
import type { SocketWriter } from './socket-writer.ts';

/** Messages of a client within a second; a page that resumes all its subscriptions stays below. */
const MESSAGES_PER_SECOND_MAX = 150;

/** What is known of a token of Solana by its mint; undefined: nothing. Rejects when nobody can say. */
export type TokenInfo = (mint: string) => Promise<object | undefined>;

export type SessionDeps = SubscriptionsDeps & {
  readonly klines: Klines;
  readonly tokenInfo: TokenInfo;
  /** Undefined: nobody is asked who they are. */
  readonly authenticate: Authenticate | undefined;
  readonly raised: (operation: string, error: unknown) => void;
  readonly now: Clock;
};

export type Session = {
  /** Acted on one after the other: what a client says rests on what it said before, first of all who it is. */
  readonly onMessage: (text: string) => void;
  /** Who it says it is, as a bearer token. Ends the session when that is not so. */
  readonly identify: (token: string) => void;
  /** Asks anew whether its token still holds, and ends the session when not. */
  readonly recheck: () => void;
  readonly isIdentified: () => boolean;
  readonly onDrain: () => void;
  readonly close: () => void;
};

async function candles({ klines }: SessionDeps, token: string, timeframe: Interval, limit: number): Promise<Reply> {
  const result = await klines.query(token, timeframe, { fromMs: undefined, toMs: undefined, limit });
  if (result.kind !== 'klines') return refusal('failed', `no candles from the exchange: ${result.detail}`);
  const views = result.klines.map((kline) => klineView(kline, timeframe));
  return { type: 'candles', data: { token, timeframe, candles: views } };
}

async function tokenInfo(deps: SessionDeps, token: string): Promise<Reply> {
  const data = await deps.tokenInfo(token);
  return data ? { type: 'token_info', data } : refusal('not_available', 'nothing is known of this token');
}

/** One thing after the other; what fails harms nothing that comes later. */
function createTurns(onError: (error: unknown) => void): (work: () => Promise<void>) => void {
  let turn = Promise.resolve();
  return (work) => {
    turn = turn.then(work).catch(onError);
  };
}

/** False once there were more than `most` within a second. */
function createRate(most: number, now: Clock): () => boolean {
  let second = 0;
  let count = 0;
  return () => {
    const current = Math.floor(now() / 1000);
    count = current === second ? count + 1 : 1;
    second = current;
    return count <= most;
  };
}

export function createSession(
  deps: SessionDeps,
  writer: SocketWriter,
  end: (code: number, reason: string) => void,
): Session {
  const { authenticate, now } = deps;
  const subscriptions = createSubscriptions(deps, { writer, say, end });
  const isWithinRate = createRate(MESSAGES_PER_SECOND_MAX, now);
  const inTurn = createTurns((error) => {
    deps.raised('streams.session', error);
    say(refusal('failed', 'something went wrong here'));
  });
  let caller: Caller | undefined = authenticate ? undefined : callerOf(undefined);
  let bearer: string | undefined;
  let isClosed = false;

  /** Answers are bounded by what may wait for the client, as news are. */
  function say({ type, data }: Reply): void {
    if (writer.isFull()) end(CLOSE.tooSlow, 'reads too slowly');
    else writer.text(plainMessage(type, data, now()));
  }

  async function identify(token: string): Promise<void> {
    const identity = await authenticate?.(`Bearer ${token}`);
    if (!identity || isClosed) return;
    if (!isProblem(identity)) {
      bearer = token;
      caller = callerOf(identity);
      return;
    }
    if (identity.code === 'auth_unavailable' && token === bearer) return; // It was good; nobody says that it no longer is.
    say(refusal('unauthenticated', identity.detail));
    end(CLOSE.unauthenticated, 'unauthenticated');
  }

  async function answer(message: ClientMessage): Promise<Reply | undefined> {
    if (message.type === 'ping') return { type: 'pong', data: {} };
    if (message.type === 'auth') {
      if (bearer !== undefined) return refusal('invalid_message', 'this connection is somebody’s already');
      await identify(message.token);
      return caller && { type: 'status', data: { state: 'authenticated' } };
    }
    if (!caller) return refusal('unauthenticated', 'the first message must be {"type":"auth","token":...}');
    switch (message.type) {
      case 'subscribe':
        return subscriptions.subscribe(message, caller);
      case 'unsubscribe':
        return subscriptions.unsubscribe(message, caller);
      case 'get_candles':
        return candles(deps, message.token, message.timeframe, message.limit);
      case 'get_token_info':
        return tokenInfo(deps, message.token);
    }
  }

  function act(message: ClientMessage): void {
    inTurn(async () => {
      const reply = isClosed ? undefined : await answer(message);
      if (reply && !isClosed) say(reply);
    });
  }

  return {
    identify: (token) => inTurn(() => identify(token)),
    recheck() {
      const held = bearer;
      if (held !== undefined) inTurn(() => identify(held));
    },
    isIdentified: () => caller !== undefined,
    onMessage(text) {
      if (isClosed) return;
      if (!isWithinRate()) {
        say(refusal('too_many_messages', `at most ${MESSAGES_PER_SECOND_MAX} a second`));
        end(CLOSE.policy, 'too many messages');
        return;
      }
      const parsed = clientMessage.safeParse(jsonOf(text));
      if (parsed.success) act(parsed.data);
      else say(refusal('invalid_message', parsed.error.issues[0]?.message ?? 'the message is not valid'));
    },
    onDrain: subscriptions.onDrain,
    close() {
      isClosed = true;
      subscriptions.close();
    },
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
