// One way to MEXC for everybody in this process: the pool of connections, the limits of our address, its ban, its clock.
// Accounts share it; what is the account's own is its key and its limit of orders.
import type { Clock } from '../domain/ids.ts';
import type { Rejection, Unknown } from './exchange.ts';
import { createExchangeClock } from './exchange-clock.ts';
import { createLimiter, type Demand } from './limiter.ts';
import { type Answer, isOk, isOutsideWindow, pauseAfter, rejected, serverTimeOf, unknown } from './mexc-answers.ts';
import { ENDPOINTS, type EndpointName, partsOf } from './mexc-endpoints.ts';
import { createMexcHttp, type HttpResult } from './mexc-http.ts';
import { type Parameters, queryString, signedQuery } from './mexc-signing.ts';
import { createRateWindow, type RateLimit, type RateWindow } from './rate-window.ts';

/** How often idle connections are used, so that neither side closes them: less than the 60 s that servers usually wait. */
const WARM_EVERY_MS = 20_000;
/** Requests that leave a window apart may arrive this much less apart, and the exchange counts arrivals. */
const JOURNEY_JITTER_MS = 100;

export type MexcLimits = {
  /** Requests of this address, whatever they are. */
  readonly requests: RateLimit;
  /** Their weight. */
  readonly weight: RateLimit;
  /** New orders and cancels of one account. */
  readonly orders: RateLimit;
};

export type MexcConnectionOptions = {
  readonly url: string;
  /** Deadline of one HTTP call, ms. */
  readonly timeoutMs: number;
  readonly now: Clock;
  /** Absent: nothing is held back (the exchange still can refuse). */
  readonly limits?: MexcLimits;
  /** Connections kept open and in use while idle; 0 or absent opens none before the first call. */
  readonly warmConnections?: number;
  /** Hears that the exchange wants silence for `forMs`. */
  readonly onPause?: (pause: { readonly forMs: number; readonly reason: string }) => void;
};

export type Credentials = { readonly apiKey: string; readonly secretKey: string };

export type Call = { readonly kind: 'answer'; readonly answer: Answer } | Rejection | Unknown;
/** Never rejects. `rejected` without a code means that nothing was sent. */
export type SignedCall = (
  name: EndpointName,
  parameters: Parameters,
  /** By the exchange's clock, ms: nothing is sent after it, and the exchange refuses what arrives after it. */
  validUntilMs?: number,
) => Promise<Call>;

export type MexcConnection = {
  readonly timeoutMs: number;
  /** An endpoint that needs no account. */
  readonly open: (name: EndpointName, parameters: Parameters) => Promise<Call>;
  /** Calls in the name of an account; `recvWindowMs` is how old a request may be when it arrives, at most 60,000. */
  readonly account: (credentials: Credentials, recvWindowMs: number) => SignedCall;
  /** The exchange's time as best known, ms since 1970. */
  readonly now: () => number;
  /** Measures the exchange's clock, and uses a connection so that one is open. */
  readonly prepare: () => Promise<void>;
  /** Why nothing is sent now, if so. */
  readonly paused: () => string | undefined;
  readonly close: () => Promise<void>;
};

/** The transport's result in the port's words: not sent is a refusal by nobody, broken is unknown. */
function callOf(result: HttpResult): Call {
  if (result.kind === 'not_sent')
    return rejected('unreachable', null, `the exchange cannot be reached: ${result.detail}`);
  if (result.kind === 'broken') return unknown(`the exchange did not answer: ${result.detail}`);
  return result;
}

function windowOf(limit: RateLimit | undefined): RateWindow | undefined {
  return limit && createRateWindow({ ...limit, periodMs: limit.periodMs + JOURNEY_JITTER_MS });
}

function windowsOf(limits: MexcLimits | undefined) {
  const [requests, weight] = [windowOf(limits?.requests), windowOf(limits?.weight)];
  return function demandOf(name: EndpointName, orders: RateWindow | undefined): Demand {
    const endpoint = ENDPOINTS[name];
    const uses = [
      ...(requests ? [{ window: requests, amount: 1 }] : []),
      ...(weight ? [{ window: weight, amount: endpoint.weight }] : []),
      ...(orders && endpoint.countsAsOrder ? [{ window: orders, amount: 1 }] : []),
    ];
    return { priority: endpoint.priority, uses };
  };
}

/** Nothing is sent before the first call, unless connections are to be kept warm. */
export function createMexcConnection(options: MexcConnectionOptions): MexcConnection {
  const { limits, onPause, warmConnections = 0, timeoutMs } = options;
  const http = createMexcHttp(options);
  const limiter = createLimiter(() => performance.now());
  const demandOf = windowsOf(limits);

  /**
   * `queryOf` is called once the request may go, so that its timestamp is not older than its journey; undefined: it is too late
   * for it.
   */
  async function send(
    name: EndpointName,
    queryOf: () => string | undefined,
    account?: { key: string; orders: RateWindow | undefined },
  ) {
    const refused = await limiter.admit(demandOf(name, account?.orders));
    if (refused !== undefined) return rejected('rate_limited', null, refused);
    const { method, path } = partsOf(name);
    const query = queryOf();
    if (query === undefined) return rejected('expired', null, 'it was too late to send it');
    const call = callOf(await http.request(method, path, query, account?.key));
    const pause = call.kind === 'answer' ? pauseAfter(call.answer) : undefined;
    if (pause) {
      limiter.pause(pause.forMs, pause.reason);
      onPause?.(pause);
    }
    return call;
  }

  const open: MexcConnection['open'] = (name, parameters) => send(name, () => queryString(parameters));

  const clock = createExchangeClock(options.now, async () => {
    let sentAtMs = 0;
    const call = await send('GET time', () => {
      sentAtMs = options.now();
      return '';
    });
    const body =
      call.kind === 'answer' && isOk(call.answer) ? serverTimeOf.safeParse(call.answer.body).data : undefined;
    return body && { theirsMs: body.serverTime, sentAtMs };
  });

  function keepWarm(): void {
    clock.keepFresh();
    for (let i = 0; i < warmConnections; i++) void open('GET ping', {});
  }
  const warming = warmConnections > 0 ? setInterval(keepWarm, WARM_EVERY_MS) : undefined;
  if (warming) keepWarm();

  return {
    timeoutMs,
    open,
    account({ apiKey, secretKey }, recvWindowMs) {
      const account = { key: apiKey, orders: windowOf(limits?.orders) };
      return async function signedCall(name, parameters, validUntilMs = Number.POSITIVE_INFINITY) {
        const query = () => {
          const timestampMs = clock.now();
          const windowMs = Math.min(recvWindowMs, validUntilMs - timestampMs);
          if (windowMs <= 0) return undefined;
          return signedQuery(secretKey, parameters, { timestampMs, recvWindowMs: windowMs });
        };
        const first = await send(name, query, account);
        clock.keepFresh();
        // A refused time proves that nothing was taken, so sending once more by the exchange's clock is safe.
        const isLate = first.kind === 'answer' && isOutsideWindow(first.answer);
        return isLate && (await clock.measure()) ? send(name, query, account) : first;
      };
    },
    now: clock.now,
    async prepare() {
      await Promise.all([clock.measure(), open('GET ping', {})]);
    },
    paused: limiter.paused,
    async close() {
      clearInterval(warming);
      limiter.close();
      await http.close();
    },
  };
}
