// What MEXC tells anybody over REST: prices, and the rules of symbols. Shared by all accounts of a connection.
import type { Clock } from '../domain/ids.ts';
import { createKept } from '../domain/kept.ts';
import type { Decimal } from '../domain/money.ts';
import type { PriceResult, Rejection, RulesResult, Unknown } from './exchange.ts';
import { type Answer, isOk, priceOf, refusal, rejected, unknown } from './mexc-answers.ts';
import type { MexcConnection } from './mexc-connection.ts';
import type { EndpointName } from './mexc-endpoints.ts';
import { rulesIn } from './mexc-rules.ts';
import type { Parameters } from './mexc-signing.ts';

/** Rules hardly ever change; a price for a preview may be this old. */
const RULES_FRESH_MS = 60_000;
/** While the exchange cannot be asked, or is being asked, rules of this age are better than none. */
const RULES_STALE_MS = 15 * 60_000;
const PRICE_FRESH_MS = 250;
/** More than the exchange lists. */
const SYMBOLS_MAX = 5000;

export type Body = { readonly kind: 'body'; readonly body: unknown } | Rejection | Unknown;

export type MexcMarket = {
  /** The price as it is followed, where it is; else as the exchange answers. */
  readonly price: (symbol: string) => Promise<PriceResult>;
  /** As `price`, or a quarter of a second old. */
  readonly recentPrice: (symbol: string) => Promise<PriceResult>;
  readonly rulesOf: (symbol: string) => Promise<RulesResult>;
  /** Any endpoint about one symbol: its body, or why there is none. */
  readonly ask: (name: EndpointName, parameters: Parameters) => Promise<Body>;
};

function bodyOf(answer: Answer): Body {
  if (isOk(answer)) return { kind: 'body', body: answer.body };
  const refused = refusal(answer);
  return refused.kind === 'not_found' ? rejected('unknown_symbol', null, 'no such symbol') : refused;
}

/** `followed` is the last price on the exchange's streams, undefined where nobody follows: it costs no call. */
export function createMexcMarket(
  connection: MexcConnection,
  now: Clock,
  followed: (symbol: string) => Decimal | undefined = () => undefined,
): MexcMarket {
  async function ask(name: EndpointName, parameters: Parameters): Promise<Body> {
    const call = await connection.open(name, parameters);
    return call.kind === 'answer' ? bodyOf(call.answer) : call;
  }

  async function price(symbol: string): Promise<PriceResult> {
    const known = followed(symbol);
    if (known !== undefined) return { kind: 'price', price: known };
    const answer = await ask('GET ticker/price', { symbol });
    if (answer.kind !== 'body') return answer;
    const parsed = priceOf.safeParse(answer.body);
    return parsed.success ? { kind: 'price', price: parsed.data.price } : unknown('the price is not readable');
  }

  const prices = createKept({
    load: price,
    now,
    freshMs: PRICE_FRESH_MS,
    keysMax: SYMBOLS_MAX,
    isWorthKeeping: ({ kind }) => kind === 'price',
  });
  const rules = createKept({
    async load(symbol: string): Promise<RulesResult> {
      const answer = await ask('GET exchangeInfo', { symbol });
      return answer.kind === 'body' ? rulesIn(answer.body, symbol) : answer;
    },
    now,
    freshMs: RULES_FRESH_MS,
    staleMs: RULES_STALE_MS,
    keysMax: SYMBOLS_MAX,
    isWorthKeeping: ({ kind }) => kind === 'rules',
  });
  return { price, ask, recentPrice: prices.ask, rulesOf: rules.ask };
}
