// 6. Market data: frames of the exchange's streams decoded and applied to books, per second of one core. The frames are those
// that the simulated exchange pushes while others trade on it, and every pass must end with exactly its books.
import { isDeepStrictEqual } from 'node:util';
import type { Snapshot } from '../../../backend/exchange/market-feed.ts';
import { deltaOf, tradesOf } from '../../../backend/exchange/mexc-feed.ts';
import { pushCodec } from '../../../backend/exchange/mexc-push.ts';
import { dealsTopic, depthTopic } from '../../../backend/exchange/mexc-streams.ts';
import { measuresOf } from '../../../backend/market/book-measures.ts';
import { createBookSync } from '../../../backend/market/book-sync.ts';
import { createTradeTape } from '../../../backend/market/trade-tape.ts';
import { formatDecimal } from '../../sandbox/decimal.ts';
import { createMarket } from '../../sandbox/exchange/market.ts';
import { createParticipants } from '../../sandbox/exchange/participants.ts';
import { createTopic } from '../../sandbox/exchange/stream-topics.ts';
import { SYMBOLS } from '../../sandbox/symbols.ts';
import type { BenchContext, Budget, ScenarioResult } from '../bench-context.ts';
import { perSecondOf } from '../cpu.ts';
import { median } from '../statistics.ts';

const MEASURED_MS = 500;
const GOAL_PER_SECOND = 100_000;
/** Frames of one pass, over all symbols. */
const FRAMES = 6000;
/** What others did before the first frame, so that books have some depth. */
const WARM_UP_DEEDS = 2000;
/** How much happens between two frames: as on a quiet market, and as on one where every frame has many levels. */
const DEEDS = { 'quiet: 1 deed a frame': 1, 'busy: 12 deeds a frame': 12, 'hectic: 50 deeds a frame': 50 } as const;
type Deeds = keyof typeof DEEDS;

interface Recording {
  readonly frames: readonly { readonly symbol: number; readonly bytes: Uint8Array }[];
  readonly deals: readonly Uint8Array[];
  readonly before: readonly Snapshot[];
  readonly after: readonly Snapshot[];
  readonly levelsPerFrame: number;
}

export async function benchMarketData({ options, say }: BenchContext): Promise<ScenarioResult> {
  say('6. market data');
  const broken: string[] = [];
  const rows: string[][] = [];
  const budgets: Budget[] = [];
  const data: object[] = [];
  for (const name of Object.keys(DEEDS) as Deeds[]) {
    const recording = record(DEEDS[name]);
    if (!isDeepStrictEqual(applyAll(recording), recording.after)) broken.push(`market data, ${name}: another book`);
    const perSecond: Record<string, number[]> = { decoded: [], applied: [], deals: [] };
    perSecondOf(() => applyAll(recording), MEASURED_MS); // Compiled by then.
    for (let round = 0; round < options.rounds; round++) {
      const passes = perSecondOf(() => applyAll(recording), MEASURED_MS);
      const decodes = perSecondOf(() => recording.frames.map(({ bytes }) => pushCodec.decode(bytes)), MEASURED_MS);
      perSecond.applied?.push(passes * recording.frames.length);
      perSecond.decoded?.push(decodes * recording.frames.length);
      if (recording.deals.length > 0)
        perSecond.deals?.push(perSecondOf(() => tapeAll(recording), MEASURED_MS) * recording.deals.length);
    }
    const figure = (values: readonly number[] = []) =>
      values.length === 0 ? '-' : Math.round(median(values)).toLocaleString('en');
    rows.push([
      name,
      recording.levelsPerFrame.toFixed(1),
      figure(perSecond.decoded),
      figure(perSecond.applied),
      figure(perSecond.deals),
    ]);
    const applied = median(perSecond.applied ?? []);
    budgets.push({
      what: `messages decoded and applied to books, ${name}`,
      goal: `>= ${GOAL_PER_SECOND.toLocaleString('en')}/s`,
      measured: `${Math.round(applied).toLocaleString('en')}/s`,
      met: applied >= GOAL_PER_SECOND,
    });
    data.push({ name, levelsPerFrame: recording.levelsPerFrame, perSecond });
  }
  const perView = perSecondOf(viewOf(record(1)), MEASURED_MS);
  return {
    title: '6. Market data on one core: frames per second of CPU time',
    tables: [{ title: 'depth frames', columns: ['levels', 'decoded /s', 'and applied /s', 'deals frames /s'], rows }],
    budgets,
    notes: [
      `${SYMBOLS.length} symbols in turn, as their frames come; reading the socket is not counted`,
      `publishing looks at a symbol ten times a second at most: one look is ${(1_000_000 / perView).toFixed(0)} us`,
    ],
    data,
    broken,
  };
}

/** What the exchange pushes while others trade, from one state of its books to another. */
function record(deeds: number): Recording {
  let nowMs = 1_800_000_000_000;
  const now = () => nowMs;
  const markets = new Map(SYMBOLS.map((rules) => [rules.symbol, createMarket(rules, now)]));
  const all = [...markets.values()].map((market, symbol) => {
    market.dismissHouse();
    const others = createParticipants(market, symbol + 1);
    others.step(WARM_UP_DEEDS);
    const name = market.rules.symbol;
    return {
      market,
      others,
      depth: createTopic(depthTopic(name), markets, now),
      deals: createTopic(dealsTopic(name), markets, now),
    };
  });
  const snapshots = () =>
    all.map(({ market }): Snapshot => {
      const side = (name: 'BUY' | 'SELL') =>
        market
          .levels(name, Number.MAX_SAFE_INTEGER)
          .map(({ price, quantity }) => ({ price: formatDecimal(price), quantity: formatDecimal(quantity) }));
      return { version: market.version(), bids: side('BUY'), asks: side('SELL') };
    });
  const before = snapshots();
  const frames: { symbol: number; bytes: Uint8Array }[] = [];
  const deals: Uint8Array[] = [];
  while (frames.length < FRAMES) {
    all.forEach(({ others, depth, deals: traded }, symbol) => {
      nowMs += 1;
      others.step(deeds);
      const bytes = depth?.take();
      if (bytes) frames.push({ symbol, bytes: Buffer.from(bytes) }); // As a socket hands them over.
      const told = traded?.take();
      if (told) deals.push(Buffer.from(told));
    });
  }
  const levels = frames.reduce((sum, { bytes }) => {
    const { publicAggreDepths: d } = pushCodec.decode(bytes);
    return sum + (d ? d.asks.length + d.bids.length : 0);
  }, 0);
  return { frames, deals, before, after: snapshots(), levelsPerFrame: levels / frames.length };
}

/** One pass over all frames; answers the books it ends with. */
function applyAll({ frames, before }: Recording): Snapshot[] {
  const books = before.map((snapshot) => {
    const sync = createBookSync();
    sync.up();
    sync.snapshot(snapshot);
    return sync;
  });
  for (const { symbol, bytes } of frames) {
    const { publicAggreDepths } = pushCodec.decode(bytes);
    if (publicAggreDepths) books[symbol]?.delta(deltaOf(publicAggreDepths));
  }
  return books.map((sync) => ({ version: sync.version(), ...sync.book.levels(Number.MAX_SAFE_INTEGER) }));
}

function tapeAll({ deals }: Recording): void {
  const tape = createTradeTape();
  for (const bytes of deals) {
    const { publicAggreDeals } = pushCodec.decode(bytes);
    if (publicAggreDeals) tape.add(tradesOf(publicAggreDeals));
  }
}

function viewOf({ before }: Recording): () => unknown {
  const sync = createBookSync();
  sync.up();
  const [snapshot] = before;
  if (snapshot) sync.snapshot(snapshot);
  return () => measuresOf(sync.book.levels(10));
}
