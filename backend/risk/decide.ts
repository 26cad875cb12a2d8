// Gathering what an order is decided on: what the checks need is asked for, and nothing else.
import type { Balances, Funds } from '../balances/balances.ts';
import type { Exchange, PriceResult } from '../exchange/exchange.ts';
import type { Prices } from '../market/prices.ts';
import type { AccountRecord } from '../store/account-items.ts';
import type { Accounts, Change } from './accounts.ts';
import { needsPrice } from './check-order.ts';
import type { Denial } from './denial.ts';
import type { Facts, Proposal } from './facts.ts';
import { type Limits, limitsOf } from './limits.ts';
import type { TradingStates } from './trading-state.ts';

/** What of the facts is the symbol's, and the exchange's account's. */
export type Market = Pick<Facts, 'rules' | 'lastPrice' | 'funds'>;
/** What becomes of the account by the proposal. */
export type Deciding = (proposal: Proposal, market: Market) => Change<Denial | undefined>;

export const askedOf =
  (prices: Prices) =>
  async (symbol: string): Promise<PriceResult> =>
    prices.fresh(symbol) ?? (await prices.ask(symbol));

const priceIn = (result: PriceResult | undefined) => (result?.kind === 'price' ? result.price : undefined);

type Deps = {
  readonly prices: Prices;
  readonly exchange: Pick<Exchange, 'rules'>;
  readonly balances: Pick<Balances, 'fresh' | 'recent' | 'ask'>;
  readonly hasOwnAccount: (userId: string) => Promise<boolean>;
  readonly tradingStates: Pick<TradingStates, 'current' | 'refresh'>;
  readonly limits: Limits;
};

/** Users remembered that were denied for balances; one that is forgotten is asked about again. */
const DENIED_MAX = 10_000;
const SHORT = 'NOTIONAL_EXCEEDS_FREE_BALANCE';

type Known = {
  readonly funds: Funds | undefined;
  /** For this very decision: nothing newer is to be had. */
  readonly isAsked: boolean;
  /** Good for a yes. */
  readonly isFresh: boolean;
  /** Good for a no to whom the same was said before and who has done nothing since. */
  readonly isRecent: boolean;
};

/**
 * Asks for the price and for balances only where a limit needs them; what a user's own limits need is known once the account has
 * been read. Nobody is let through by balances that are not of this moment, or denied for them; but who is denied again and again
 * has them asked for every few seconds only.
 */
export function createDecide(
  { prices, exchange, balances, hasOwnAccount, tradingStates, limits: defaults }: Deps,
  accounts: Accounts,
): (proposal: Proposal, change: Deciding) => Promise<Denial | undefined> {
  const askPrice = askedOf(prices);

  /** The version of the account of each. */
  const denied = new Map<string, number>();

  function noteDenied(userId: string, version: number): void {
    denied.delete(userId); // Re-inserting makes the map's order the order of use.
    const oldest = denied.size >= DENIED_MAX ? denied.keys().next().value : undefined;
    if (oldest !== undefined) denied.delete(oldest);
    denied.set(userId, version);
  }

  async function askFunds(account: string | undefined): Promise<Known> {
    const result = await balances.ask(account);
    const funds = result.kind === 'funds' ? result.funds : undefined;
    return { funds, isAsked: true, isFresh: true, isRecent: true };
  }

  async function fundsOf(userId: string, isKnown: boolean): Promise<Known> {
    const account = (await hasOwnAccount(userId)) ? userId : undefined;
    const [fresh, recent] = [balances.fresh(account), balances.recent(account)];
    const funds = fresh ?? recent;
    if (isKnown || !funds) return askFunds(account);
    return { funds, isAsked: false, isFresh: fresh !== undefined, isRecent: recent !== undefined };
  }

  /** Whether what is known decides, or has to be asked for anew. */
  function isEnough(known: Known, account: AccountRecord, denial: Denial | undefined): boolean {
    if (known.isAsked) return true;
    if (!denial) return known.isFresh;
    return denial.reason !== SHORT || (known.isRecent && denied.get(account.user_id) === account.version);
  }

  return async function decide(proposal, change) {
    if (!tradingStates.current()) await tradingStates.refresh();
    const { userId, order } = proposal;
    const { symbol } = order;
    const rules = await exchange.rules(symbol);
    let lastPrice = priceIn(needsPrice(order, defaults) ? await askPrice(symbol) : prices.fresh(symbol));
    let isPriceAsked = needsPrice(order, defaults);
    let known: Known | undefined;
    let version = 0;
    for (;;) {
      const answer = await accounts.change<Denial | 'price' | 'funds' | undefined>(userId, (account) => {
        const limits = limitsOf(defaults, account.limits);
        const isMissing = (lacks: 'price' | 'funds') => ({ account, result: lacks, isFinal: false });
        if (lastPrice === undefined && !isPriceAsked && needsPrice(order, limits)) return isMissing('price');
        if (!known && limits.balance_buffer !== null) return isMissing('funds');
        const decided = change(proposal, { rules, lastPrice, funds: known?.funds })(account);
        if (known && !isEnough(known, account, decided.result)) return isMissing('funds');
        version = account.version;
        return decided;
      });
      if (answer === 'price') {
        lastPrice = priceIn(await askPrice(symbol));
        isPriceAsked = true;
      } else if (answer === 'funds') {
        known = await fundsOf(userId, known !== undefined);
      } else {
        if (answer?.reason === SHORT) noteDenied(userId, version);
        return answer;
      }
    }
  };
}
