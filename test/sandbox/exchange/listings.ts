import * as z from 'zod';
import { decimal } from '../decimal.ts';
import type { Market } from './market.ts';

const status = z.int().min(0).max(9);

/** A listing to play: everything in ms since 1970, by the exchange's clock. */
export const listingScript = z.strictObject({
  symbol: z.string().regex(/^[A-Z0-9]{2,20}USDT$/),
  projectName: z.string().min(1).max(100),
  price: z
    .string()
    .regex(/^\d{1,9}(\.\d{1,12})?$/)
    .refine((text) => decimal(text) > 0n, 'must be positive'),
  pricePlaces: z.int().min(0).max(12),
  quantityPlaces: z.int().min(0).max(8),
  /** When the calendar shows it, and when it says trading begins. */
  announcedAtMs: z.int().min(0),
  firstOpenTimeMs: z.int().min(0),
  /** How much later trading really begins. */
  slipMs: z.int().min(0).default(0),
  /** What symbolsV2 says of it from when on; before the first it is not there, nor in exchangeInfo. */
  steps: z
    .array(z.strictObject({ atMs: z.int().min(0), sts: status, st: status, tt: status }))
    .min(1)
    .max(20),
});
export type ListingScript = z.infer<typeof listingScript>;

const LISTINGS_MAX = 1000;

/** Symbols on their way to being traded. `addMarket` is called once a symbol is to be known to the API. */
export function createListings(options: { now: () => number; addMarket: (script: ListingScript) => Market }) {
  const { now, addMarket } = options;
  const scripts = new Map<string, ListingScript>();
  const listed = new Set<string>();

  const stepOf = ({ steps }: ListingScript) => steps.findLast(({ atMs }) => atMs <= now());
  const idOf = (symbol: string): string => Buffer.from(symbol).toString('hex').padEnd(32, '0').slice(0, 32);

  return {
    add(script: ListingScript): void {
      if (scripts.size >= LISTINGS_MAX) throw new RangeError(`at most ${LISTINGS_MAX} listings`);
      scripts.set(script.symbol, script);
    },
    /** To be called before anything is answered: time alone makes symbols appear. */
    advance(): void {
      for (const script of scripts.values()) {
        if (listed.has(script.symbol) || !stepOf(script)) continue;
        listed.add(script.symbol);
        addMarket(script).opensAtMs = script.firstOpenTimeMs + script.slipMs;
      }
    },
    /** `GET /api/operation/new_coin_calendar` of the exchange's web site. */
    calendar(): object {
      const shown = [...scripts.values()].filter(({ announcedAtMs }) => announcedAtMs <= now());
      const newCoins = shown.map(({ symbol, projectName, firstOpenTimeMs }) => ({
        vcoinId: idOf(symbol),
        vcoinName: symbol.replace(/USDT$/, ''),
        vcoinNameFull: projectName,
        firstOpenTime: firstOpenTimeMs,
        zone: 'INNOVATION',
        introductionEn: '',
        introductionCn: '',
      }));
      return { data: { newCoins } };
    },
    /** `GET /api/platform/spot/market-v2/web/symbolsV2` of the exchange's web site: an object by quote asset. */
    symbolsV2(): object {
      const items = [...scripts.values()].flatMap((script) => {
        const step = stepOf(script);
        if (!step) return [];
        const { symbol, projectName, pricePlaces, quantityPlaces, firstOpenTimeMs } = script;
        const { sts, st, tt } = step;
        const name = symbol.replace(/USDT$/, '');
        const scales = { ps: pricePlaces, qs: quantityPlaces, cdm: 1 };
        return [
          {
            id: idOf(symbol),
            cd: idOf(symbol),
            vn: name,
            fn: projectName,
            fne: projectName,
            sts,
            st,
            tt,
            ot: firstOpenTimeMs,
            ...scales,
            ca: '',
          },
        ];
      });
      return { data: { symbols: { USDT: items } } };
    },
  };
}
export type Listings = ReturnType<typeof createListings>;
