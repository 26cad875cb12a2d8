// What accounts at the exchange own: asked for, kept for a moment, and kept right by the private stream where one is heard.
import type { Clock } from '../domain/ids.ts';
import type { Balance, BalancesResult, Exchange } from '../exchange/exchange.ts';
import type { BalanceEvent } from '../exchange/user-stream.ts';

/** How old balances may be that nothing keeps right, and those that the stream does: it tells of changes, not of mistakes. */
const FRESH_MS = 1000;
const STREAMED_FRESH_MS = 60_000;
/**
 * How old they may be to say the same no again by: asking costs a thirtieth of what an address may ask in 10 s, and whoever sends orders that
 * cannot be paid would otherwise ask for everybody else's.
 */
const RECENT_MS = 5000;
/** Accounts remembered; the one that was asked for longest ago goes first. */
const ACCOUNTS_MAX = 10_000;

/** Whose: the user with keys of its own, or undefined for the service's account, with which everybody else trades. */
export type AccountName = string | undefined;

export type Funds = {
  readonly byAsset: ReadonlyMap<string, Balance>;
  /** What happened to the account after this is not in it, as far as it was not streamed; ms since 1970. */
  readonly askedAtMs: number;
};
export type FundsResult =
  | { readonly kind: 'funds'; readonly funds: Funds }
  | Exclude<BalancesResult, { kind: 'balances' }>;

export type Balances = {
  /** What is known and fresh enough; undefined when it has to be asked for. */
  readonly fresh: (account: AccountName) => Funds | undefined;
  /** What was asked for not long ago: enough to say no again by, not to say yes. */
  readonly recent: (account: AccountName) => Funds | undefined;
  /** As the exchange answers now. Those who ask for one account at the same time share an answer. Never rejects. */
  readonly ask: (account: AccountName) => Promise<FundsResult>;
  /** The stream told of a balance of the account. */
  readonly take: (account: AccountName, event: Omit<BalanceEvent, 'kind'>) => void;
  /** Whether all that happens to the account is told from now on. */
  readonly setStreamed: (account: AccountName, isStreamed: boolean) => void;
};

type Entry = {
  funds: Funds | undefined;
  isStreamed: boolean;
  asking: Promise<FundsResult> | undefined;
  /** What was told while the exchange was being asked: its answer may be the older. */
  readonly told: Map<string, Balance>;
};

export function createBalances({ exchange, now }: { exchange: Pick<Exchange, 'balances'>; now: Clock }): Balances {
  const entries = new Map<AccountName, Entry>();

  function entryOf(account: AccountName): Entry {
    const entry = entries.get(account) ?? { funds: undefined, isStreamed: false, asking: undefined, told: new Map() };
    entries.delete(account); // Re-inserting makes the map's order the order of use.
    if (entries.size >= ACCOUNTS_MAX) {
      const idle = [...entries].find(([, { isStreamed, asking }]) => !isStreamed && !asking) ?? [...entries][0];
      if (idle) entries.delete(idle[0]);
    }
    entries.set(account, entry);
    return entry;
  }

  async function load(account: AccountName, entry: Entry): Promise<FundsResult> {
    const askedAtMs = now();
    const result = await exchange.balances(account);
    if (result.kind !== 'balances') return result;
    entry.funds = { byAsset: new Map([...result.balances, ...entry.told]), askedAtMs };
    return { kind: 'funds', funds: entry.funds };
  }

  function within(lifeMs: number, entry: Entry | undefined): Funds | undefined {
    return entry?.funds && now() - entry.funds.askedAtMs < lifeMs ? entry.funds : undefined;
  }

  return {
    fresh(account) {
      const entry = entries.get(account);
      return within(entry?.isStreamed ? STREAMED_FRESH_MS : FRESH_MS, entry);
    },
    recent: (account) => within(RECENT_MS, entries.get(account)),
    ask(account) {
      const entry = entryOf(account);
      if (!entry.asking) {
        entry.told.clear();
        entry.asking = load(account, entry).finally(() => {
          entry.asking = undefined;
        });
      }
      return entry.asking;
    },
    take(account, { asset, free, locked }) {
      const entry = entries.get(account);
      if (!entry) return; // Nobody has asked about the account.
      const balance = { free, locked };
      if (entry.asking) entry.told.set(asset, balance);
      if (entry.funds) entry.funds = { ...entry.funds, byAsset: new Map(entry.funds.byAsset).set(asset, balance) };
    },
    setStreamed(account, isStreamed) {
      const entry = entryOf(account);
      entry.isStreamed = isStreamed;
      entry.funds = undefined; // What happened before it was streamed, or happens from now on, is not in it.
    },
  };
}
