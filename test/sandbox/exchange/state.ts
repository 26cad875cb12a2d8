import { type Decimal, decimal } from '../decimal.ts';
import { type SimulatedSymbol, SYMBOLS } from '../symbols.ts';
import { type Account, createAccount } from './account.ts';
import { createFaults, type Faults } from './faults.ts';
import { createListenKeys, type ListenKeys } from './listen-keys.ts';
import { createListings, type ListingScript, type Listings } from './listings.ts';
import { createMarket, type Market } from './market.ts';
import { createParticipants, type Participants } from './participants.ts';
import type { Credentials } from './signing.ts';
import type { Streams } from './streams.ts';

const STEP_EVERY_MS = 100;

/** Everything the exchange is, but for its sockets. */
export interface ExchangeState {
  readonly now: () => number;
  readonly markets: ReadonlyMap<string, Market>;
  /** By API key. */
  readonly accounts: ReadonlyMap<string, Account>;
  readonly faults: Faults;
  readonly listenKeys: ListenKeys;
  readonly listings: Listings;
  readonly streams: Streams;
  /** Orders accepted since the start. */
  orderCount(): number;
  /** Throws a RangeError on a symbol that is not simulated. */
  setPrice(symbol: string, price: Decimal): void;
  /** The house leaves the market and others trade there: `steps` now, and `stepsPerS` from now on. */
  participate(wanted: { symbol: string; seed: number; steps: number; stepsPerS: number }): void;
  /** Puts the exchange's clock ahead (or behind). */
  setSkew(skewMs: number): void;
  stop(): void;
}

export interface StateOptions {
  readonly now: () => number;
  readonly openOrdersMax: number;
  readonly accounts: readonly Credentials[];
  readonly listenKeyLifeMs?: number;
}

export function createState(options: StateOptions): Omit<ExchangeState, 'streams'> {
  let skewMs = 0;
  const now = (): number => options.now() + skewMs;
  const startedAtMs = now();
  let ids = 0;
  /** Restarts must not hand out an id again, or an old order's id would name a new order: hence the start time. */
  const nextId = (): string => {
    ids += 1;
    return `C02__${startedAtMs}${String(ids).padStart(8, '0')}`;
  };
  const markets = new Map(SYMBOLS.map((rules) => [rules.symbol, createMarket(rules, now)]));
  const common = { now, openOrdersMax: options.openOrdersMax, markets, nextId };
  const accounts = new Map(options.accounts.map(({ apiKey }) => [apiKey, createAccount(common)]));
  const others = new Map<string, Participants & { timer?: NodeJS.Timeout }>();

  const marketOf = (symbol: string): Market => {
    const market = markets.get(symbol);
    if (!market) throw new RangeError(`${symbol} is not a simulated symbol`);
    return market;
  };

  return {
    now,
    markets,
    accounts,
    faults: createFaults(),
    listenKeys: createListenKeys(now, options.listenKeyLifeMs),
    listings: createListings({
      now,
      addMarket(script) {
        const market = createMarket(rulesOf(script), now);
        markets.set(script.symbol, market);
        return market;
      },
    }),
    orderCount: () => [...accounts.values()].reduce((sum, account) => sum + account.orderCount(), 0),
    setPrice: (symbol, price) => marketOf(symbol).setPrice(price),
    participate({ symbol, seed, steps, stepsPerS }) {
      const market = marketOf(symbol);
      market.dismissHouse();
      const they: Participants & { timer?: NodeJS.Timeout } = others.get(symbol) ?? createParticipants(market, seed);
      others.set(symbol, they);
      they.step(steps);
      clearInterval(they.timer);
      if (stepsPerS === 0) return;
      they.timer = setInterval(() => they.step(Math.ceil((stepsPerS * STEP_EVERY_MS) / 1000)), STEP_EVERY_MS);
      they.timer.unref();
    },
    setSkew(wanted) {
      skewMs = wanted;
    },
    stop() {
      for (const { timer } of others.values()) clearInterval(timer);
    },
  };
}

function rulesOf({ symbol, projectName, price, pricePlaces, quantityPlaces }: ListingScript): SimulatedSymbol {
  const quantityMin = quantityPlaces === 0 ? '1' : `0.${'1'.padStart(quantityPlaces, '0')}`;
  const baseAsset = symbol.replace(/USDT$/, '');
  decimal(price); // Throws when it is none.
  return { symbol, fullName: projectName, baseAsset, price, pricePlaces, quantityPlaces, quantityMin };
}
