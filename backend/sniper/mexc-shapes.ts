// What the two undocumented answers of MEXC's web site mean. Pure. Each entry is read by itself: one that has changed its shape
// is counted, and hides no other.
import { z } from 'zod';
import type { Announced, Listed, Signs, SourceFailure } from './listing-source.ts';

/** Entries read of one answer: several times what the site lists. */
const ENTRIES_MAX = 20_000;
const EXAMPLE_CHARS_MAX = 200;
/** A time before this is none, ms: 2001. */
const TIME_LEAST_MS = 1_000_000_000_000;
const SYMBOL = /^[A-Z0-9]{2,32}$/;

const time = z.coerce.number().int().min(TIME_LEAST_MS).max(Number.MAX_SAFE_INTEGER);
const coin = z.object({
  vcoinId: z.coerce.string().min(1).max(128),
  vcoinName: z.string().min(1).max(30),
  vcoinNameFull: z.string().max(500).nullish(),
  firstOpenTime: time,
});
const calendar = z.object({ data: z.object({ newCoins: z.array(z.unknown()) }) });

/** The site has shown the opening as a number, as text, and as an object with the number in it. */
const opening = z.union([time, z.record(z.string(), z.unknown())]).nullish();
const item = z.object({
  cd: z.coerce.string().max(128).nullish(),
  vn: z.string().min(1).max(30),
  sts: z.int(),
  st: z.int(),
  tt: z.int(),
  ps: z.int().min(0).max(18).nullish(),
  qs: z.int().min(0).max(18).nullish(),
  ca: z.string().max(200).nullish(),
  ot: opening,
});
const symbols = z.object({
  data: z.object({ symbols: z.union([z.array(z.unknown()), z.record(z.string(), z.array(z.unknown()))]) }),
});

const QUOTE_USUAL = 'USDT';
const symbolOf = (name: string, quote: string) => {
  const upper = name.toUpperCase();
  return upper.endsWith(quote) && upper.length > quote.length ? upper : upper + quote;
};

function problemOf(error: z.ZodError): string {
  const [issue] = error.issues;
  return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`.slice(0, EXAMPLE_CHARS_MAX);
}

/** Every entry through `read`, which answers the entry or why it is none. */
function listed<E, T>(entries: readonly E[], read: (entry: E) => T | string): Listed<T> {
  const good: T[] = [];
  let drifted = Math.max(0, entries.length - ENTRIES_MAX);
  let example: string | null = drifted > 0 ? `more than ${ENTRIES_MAX} entries` : null;
  for (const entry of entries.slice(0, ENTRIES_MAX)) {
    const result = read(entry);
    if (typeof result === 'string') {
      drifted += 1;
      example ??= result;
    } else good.push(result);
  }
  return { kind: 'listed', entries: good, drifted, example };
}

/** `new_coin_calendar`: `{data: {newCoins: [...]}}`. */
export function readCalendar(body: unknown): Listed<Announced> | SourceFailure {
  const whole = calendar.safeParse(body);
  if (!whole.success) return { kind: 'drift', detail: problemOf(whole.error) };
  return listed(whole.data.data.newCoins, (entry) => {
    const parsed = coin.safeParse(entry);
    if (!parsed.success) return problemOf(parsed.error);
    const { vcoinId, vcoinName, vcoinNameFull, firstOpenTime } = parsed.data;
    const symbol = symbolOf(vcoinName, QUOTE_USUAL);
    if (!SYMBOL.test(symbol)) return 'vcoinName: is no symbol';
    return { vcoinId, symbol, projectName: vcoinNameFull ?? vcoinName, firstOpenMs: firstOpenTime };
  });
}

function openingMs(given: z.infer<typeof opening>): number | null {
  if (given === null || given === undefined) return null;
  if (typeof given === 'number') return given;
  const times = Object.values(given).map((value) => time.safeParse(value).data);
  return times.find((value) => value !== undefined) ?? null;
}

/** Undefined opening times ("0") are told by the site as numbers too small to be one. */
const withoutNoTime = (entry: unknown): unknown =>
  typeof entry === 'object' &&
  entry !== null &&
  'ot' in entry &&
  !(Number(entry.ot) >= TIME_LEAST_MS) &&
  typeof entry.ot !== 'object'
    ? { ...entry, ot: null }
    : entry;

/** `symbolsV2`: `{data: {symbols}}`, an object of arrays by quote asset; the sources that read an array are served too. */
export function readSymbols(body: unknown): Listed<Signs> | SourceFailure {
  const whole = symbols.safeParse(body);
  if (!whole.success) return { kind: 'drift', detail: problemOf(whole.error) };
  const given = whole.data.data.symbols;
  const byQuote = Array.isArray(given) ? { [QUOTE_USUAL]: given } : given;
  const entries = Object.entries(byQuote).flatMap(([quote, items]) => items.map((entry) => ({ quote, entry })));
  return listed(entries, ({ quote, entry }) => {
    const parsed = item.safeParse(withoutNoTime(entry));
    if (!parsed.success) return problemOf(parsed.error);
    const { cd, vn, sts, st, tt, ps = null, qs = null, ca, ot } = parsed.data;
    const symbol = symbolOf(vn, quote.toUpperCase());
    if (!SYMBOL.test(symbol)) return 'vn: is no symbol';
    const texts = { coinId: cd || null, contract: ca || null };
    return { symbol, sts, st, tt, priceScale: ps, quantityScale: qs, ...texts, opensAtMs: openingMs(ot) };
  });
}
