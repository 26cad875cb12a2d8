// Gathering what an order is decided on: what the checks need is asked for, and nothing else.
import type { Balances, Funds } from '../balances/balances.ts';
import type { Exchange, PriceResult } from '../exchange/exchange.ts';
import type { Prices } from '../market/prices.ts';
import type { Accounts, Change } from './accounts.ts';
import { type Denial, type Facts, needsPrice, type Proposal } from './check.ts';
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
  readonly balances: Pick<Balances, 'fresh' | 'ask'>;
  readonly hasOwnAccount: (userId: string) => Promise<boolean>;
  readonly tradingStates: Pick<TradingStates, 'current' | 'refresh'>;
  readonly limits: Limits;
};

/**
 * Asks for the price and for balances only where a limit needs them; what a user's own limits need is known once the account has
 * been read. Nobody is denied for balances that are not of this moment.
 */
export function createDecide(
  { prices, exchange, balances, hasOwnAccount, tradingStates, limits: defaults }: Deps,
  accounts: Accounts,
): (proposal: Proposal, change: Deciding) => Promise<Denial | undefined> {
  const askPrice = askedOf(prices);

  async function askFunds(userId: string): Promise<Funds | undefined> {
    const result = await balances.ask((await hasOwnAccount(userId)) ? userId : undefined);
    return result.kind === 'funds' ? result.funds : undefined;
  }

  return async function decide(proposal, change) {
    if (!tradingStates.current()) await tradingStates.refresh();
    const { userId, order } = proposal;
    const { symbol } = order;
    const rules = await exchange.rules(symbol);
    let lastPrice = priceIn(needsPrice(order, defaults) ? await askPrice(symbol) : prices.fresh(symbol));
    let [isPriceAsked, areFundsAsked] = [needsPrice(order, defaults), false];
    let funds: Funds | undefined;
    for (;;) {
      const answer = await accounts.change<Denial | 'price' | 'funds' | undefined>(userId, (account) => {
        const limits = limitsOf(defaults, account.limits);
        const isMissing = (lacks: 'price' | 'funds') => ({ account, result: lacks, isFinal: false });
        if (lastPrice === undefined && !isPriceAsked && needsPrice(order, limits)) return isMissing('price');
        if (funds === undefined && !areFundsAsked && limits.balance_buffer !== null) return isMissing('funds');
        return change(proposal, { rules, lastPrice, funds })(account);
      });
      if (answer === 'price') {
        lastPrice = priceIn(await askPrice(symbol));
        isPriceAsked = true;
      } else if (answer === 'funds') {
        funds = balances.fresh((await hasOwnAccount(userId)) ? userId : undefined);
        areFundsAsked = funds === undefined;
        funds ??= await askFunds(userId);
      } else if (answer?.reason === 'NOTIONAL_EXCEEDS_FREE_BALANCE' && !areFundsAsked) {
        funds = await askFunds(userId);
        areFundsAsked = true;
      } else return answer;
    }
  };
}
