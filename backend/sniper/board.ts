// The listings that are pending, as this instance knows them: the store's, with what was heard since. A change is told of on the
// bus by the instance whose write was the one that counted.
import { channels, type Newsroom } from '../bus/bus.ts';
import type { Clock } from '../domain/ids.ts';
import { isoTime } from '../domain/time.ts';
import type { Metrics } from '../metrics.ts';
import type { CalendarRecord } from '../store/calendar-items.ts';
import type { Store } from '../store/store.ts';
import { type Listing, patternsOf } from './detect.ts';
import { detailsOf, listingOf, withSigns } from './listing-record.ts';
import type { Announced, Signs } from './listing-source.ts';
import { AFTERWARDS_MS } from './polling.ts';

/** Listings followed at once: those that open next. */
const LISTINGS_MAX = 1000;
/** A listing that nobody took part in is `missed` this long after its opening, ms. */
const MISSED_AFTER_MS = 3_600_000;

export type BoardDeps = {
  readonly store: Pick<Store, 'listings' | 'getListing' | 'putListing'>;
  readonly bus: Newsroom;
  readonly metrics: Pick<Metrics, 'sniperListingsDropped'>;
  readonly now: Clock;
};

/** Methods reject with StoreUnavailable only. */
export type Board = {
  /** The listing of the symbol that is pending, if there is one. */
  readonly of: (symbol: string) => Listing | undefined;
  readonly pending: () => readonly Listing[];
  /** How far the nearest opening is away, ms; negative when it has passed, undefined when nothing is pending. */
  readonly nearestMs: () => number | undefined;
  /** Takes what the store holds, which is what every instance has seen. */
  readonly load: () => Promise<void>;
  readonly takeAnnounced: (announced: Announced) => Promise<void>;
  readonly takeSigns: (signs: Signs) => Promise<void>;
  /** Notes that somebody took part in a listing. */
  readonly markSniped: (symbol: string) => Promise<void>;
};

/** The listing in the form of the API and the bus. */
export function listingView({ version: _version, ...record }: CalendarRecord) {
  const { created_at: _created, ...view } = record;
  return { ...view, details: detailsOf(record) };
}

/** The patterns that the listing shows now and did not before. */
function newSignals(record: CalendarRecord, before: CalendarRecord | undefined, nowMs: number) {
  const signalsOf = (each: CalendarRecord) => patternsOf(listingOf(each), nowMs).filter(({ isSignal }) => isSignal);
  const told = before ? signalsOf(before).map(({ kind, score }) => `${kind} ${score}`) : [];
  const fresh = signalsOf(record).filter(({ kind, score }) => !told.includes(`${kind} ${score}`));
  return fresh.map((pattern) => ({ symbol: record.symbol, vcoin_id: record.vcoin_id, ...pattern }));
}

export function createBoard({ store, bus, metrics, now }: BoardDeps): Board {
  const known = new Map<string, CalendarRecord>();

  const isPending = ({ first_open_time: opens }: CalendarRecord) => Date.parse(opens) > now() - AFTERWARDS_MS;
  function nearestMs(): number | undefined {
    const aheads = [...known.values()].filter(isPending).map((record) => Date.parse(record.first_open_time) - now());
    return aheads.length === 0 ? undefined : Math.min(...aheads);
  }

  /** What the store holds is the truth, also of what other instances have seen. */
  async function load(): Promise<void> {
    const records = await store.listings();
    for (const record of records) if (record.status === 'detected') await missedWhenOver(record);
    const pending = records.filter(isPending);
    metrics.sniperListingsDropped.inc(Math.max(0, pending.length - LISTINGS_MAX));
    known.clear();
    for (const record of pending.slice(0, LISTINGS_MAX)) known.set(record.vcoin_id, record);
  }

  async function missedWhenOver(record: CalendarRecord): Promise<void> {
    if (Date.parse(record.first_open_time) + MISSED_AFTER_MS > now()) return;
    await store.putListing({ ...record, status: 'missed', version: record.version + 1 });
  }

  /** Stores a change; of several instances that saw it, the one that is first tells. */
  async function keep(record: CalendarRecord, before: CalendarRecord | undefined): Promise<void> {
    if (known.size >= LISTINGS_MAX && !known.has(record.vcoin_id)) return metrics.sniperListingsDropped.inc();
    const isMine = (await store.putListing(record)) === 'stored';
    const stored = isMine ? record : await store.getListing(record.vcoin_id);
    if (stored) known.set(stored.vcoin_id, stored);
    if (!isMine) return;
    bus.tell(channels.launches, 'listing', listingView(record));
    for (const pattern of newSignals(record, before, now())) bus.tell(channels.launches, 'pattern', pattern);
  }

  async function takeAnnounced({ vcoinId, symbol, projectName, firstOpenMs }: Announced): Promise<void> {
    if (firstOpenMs < now() - AFTERWARDS_MS) return;
    const before = known.get(vcoinId) ?? (await store.getListing(vcoinId));
    const opens = isoTime(firstOpenMs);
    if (!before) {
      const nothing = { launch_price: null, token_supply: null, details: '{}' };
      const about = { vcoin_id: vcoinId, symbol, project_name: projectName, first_open_time: opens };
      return keep({ ...about, ...nothing, status: 'detected', created_at: isoTime(now()), version: 1 }, undefined);
    }
    if (Date.parse(before.first_open_time) === firstOpenMs && before.project_name === projectName) {
      known.set(vcoinId, before);
      return;
    }
    const moved = { ...before, first_open_time: opens, project_name: projectName, version: before.version + 1 };
    return keep(moved, before);
  }

  async function takeSigns(signs: Signs): Promise<void> {
    for (const record of known.values()) {
      if (record.symbol !== signs.symbol || !isPending(record)) continue;
      const next = withSigns(record, signs);
      if (next) await keep(next, record);
    }
  }

  return {
    of(symbol) {
      const record = [...known.values()].find((each) => each.symbol === symbol && isPending(each));
      return record && listingOf(record);
    },
    pending: () => [...known.values()].filter(isPending).map(listingOf),
    nearestMs,
    load,
    takeAnnounced,
    takeSigns,
    async markSniped(symbol) {
      for (const { symbol: own, vcoin_id: id } of known.values()) {
        const record = own === symbol ? await store.getListing(id) : undefined;
        if (record?.status !== 'detected') continue;
        await store.putListing({ ...record, status: 'sniped', version: record.version + 1 });
      }
    },
  };
}
