// Buying at an opening: what is done ahead of it, and the steps within its window. Every step is stored before it is taken; who holds
// the target's lease takes it, and whoever finds the lease over goes on.
import { type OrderId, parseOrderId } from '../domain/ids.ts';
import { createKept } from '../domain/kept.ts';
import { compare, decimalOf } from '../domain/money.ts';
import type { OrderDeps } from '../orders/deps.ts';
import type { Orders } from '../orders/orders.ts';
import { isDenial, proposalOf } from '../orders/place.ts';
import { EXCHANGE_CLOCK_MARGIN_MS } from '../orders/settle.ts';
import type { TargetEntry, TargetRecord } from '../store/sniper-items.ts';
import { abandoned, afterOrder, begun, boughtOnPaper, CLAIM_BEFORE_MS, failed, rehearsed, watched } from './decide.ts';
import type { Listing } from './detect.ts';
import { until } from './moment.ts';
import { type EntryPlan, planOf, planRetryMs } from './plan.ts';
import type { ReferenceOf } from './references.ts';
import { type BalanceEvents, denialEvents } from './trail.ts';

/** Rules, price, clock and connection are seen to this long before an opening, ms. */
const PREPARE_BEFORE_MS = 10_000;
/** How often rules that are not known yet are asked for, and the price of the moment for a fill on paper, ms. */
const RULES_RETRY_MS = 3000;
const PRICE_RETRY_MS = 1000;
const RULES_KEPT_MAX = 1000;
const WATCH_EVERY_MS = 1000;
/** The exchange has not said yet what became of an attempt. */
const UNDECIDED_MS = 100;

/** What is remembered of a target between two looks; nothing that matters if it is lost. */
export type Memory = { plan?: EntryPlan; isPrepared?: boolean };
/** What a look came to: a change to store and look again at once, or when to look next. */
export type Look = { readonly next: TargetRecord } | { readonly lookAfterMs: number };

export type EntryDeps = Pick<OrderDeps, 'store' | 'exchange' | 'risk' | 'metrics' | 'log' | 'now'> & {
  readonly orders: Pick<Orders, 'prepare' | 'settlement'>;
  readonly balanceEvents: BalanceEvents;
  readonly referenceOf: ReferenceOf;
  readonly listingOf: (symbol: string) => Listing | undefined;
  /** Of this instance. */
  readonly self: string;
  readonly stopping: AbortSignal;
};

function inputOf({ user_id, symbol }: TargetRecord, { quantity, price }: Pick<TargetEntry, 'quantity' | 'price'>) {
  const sizes = { quantity: decimalOf(quantity), price: decimalOf(price) };
  return { user_id, symbol, side: 'BUY', order_type: 'IMMEDIATE_OR_CANCEL', reduce_only: false, ...sizes } as const;
}

const after = (lookAfterMs: number): Look => ({ lookAfterMs: Math.max(1, lookAfterMs) });

/** What is seen to before the opening. */
function createPlanning({ exchange, listingOf, referenceOf, now }: EntryDeps) {
  // What the table of symbols shows does as well, so rules that are not known yet are not asked for with every price.
  const rulesOf = createKept({
    ...{ load: exchange.rules, now, freshMs: RULES_RETRY_MS, keysMax: RULES_KEPT_MAX },
    isWorthKeeping: () => true,
  });

  /** 'nothing': the budget is too small. Undefined: the exchange does not tell enough yet. */
  return async function plan(target: TargetRecord): Promise<EntryPlan | 'nothing' | undefined> {
    const { symbol, reference_price: given } = target;
    const [rules, reference] = await Promise.all([
      rulesOf.ask(symbol),
      given === null ? referenceOf(symbol) : decimalOf(given),
    ]);
    const signs = listingOf(symbol)?.signs;
    const shown =
      signs && signs.priceScale !== null && signs.quantityScale !== null
        ? { pricePlaces: signs.priceScale, quantityPlaces: signs.quantityScale }
        : undefined;
    const places = rules.kind === 'rules' ? rules.rules : shown;
    return places && reference ? (planOf(target, reference, places) ?? 'nothing') : undefined;
  };
}

/** One attempt, by the holder of the lease. */
function createFiring(deps: EntryDeps) {
  const { exchange, risk, orders, metrics, balanceEvents, stopping } = deps;

  /** Sends nothing: what would have been, and whether risk would have let it. */
  async function rehearse(target: TargetRecord, entry: TargetEntry, id: OrderId): Promise<Look> {
    const input = inputOf(target, entry);
    const denial = await risk.wouldDeny(proposalOf(id, input, { opening: { validUntilMs: 0 } }));
    const said = denial
      ? `risk would deny it: ${denial.reason}`
      : `would have bought ${entry.quantity} at ${entry.price} at most`;
    const nowMs = exchange.now();
    return { next: denial ? failed(target, said, nowMs, denialEvents(denial)) : rehearsed(target, said, nowMs) };
  }

  async function onPaper(target: TargetRecord, entry: TargetEntry): Promise<Look> {
    const last = await exchange.price(target.symbol);
    if (last.kind !== 'price') return after(PRICE_RETRY_MS);
    const isTooDear = compare(last.price, decimalOf(entry.price)) > 0;
    if (isTooDear) return { next: failed(target, `the price was ${last.price}, beyond the slippage`, exchange.now()) };
    return { next: boughtOnPaper(target, { quantity: entry.quantity, average_price: last.price }, exchange.now()) };
  }

  return async function fire(target: TargetRecord, entry: TargetEntry): Promise<Look> {
    const id = parseOrderId(entry.order_id);
    if (!id) throw new Error(`${entry.order_id} is no id of an order`);
    const atMs = Date.parse(entry.not_before);
    if (target.mode !== 'live') {
      if (!(await until(exchange.now, atMs, stopping))) return after(1);
      return target.mode === 'paper' ? onPaper(target, entry) : rehearse(target, entry, id);
    }
    const opening = { validUntilMs: Date.parse(entry.valid_until) };
    const prepared = await orders.prepare(id, inputOf(target, entry), { opening });
    if (prepared === 'exists') return after(UNDECIDED_MS);
    if (isDenial(prepared)) {
      const why = `denied by risk: ${prepared.reason}`;
      return { next: failed(target, why, exchange.now(), denialEvents(prepared)) };
    }
    if (!(await until(exchange.now, atMs, stopping))) return after(1); // It is gone on with by another instance.
    if (entry.index === 0) metrics.sniperLateSeconds.observe((exchange.now() - atMs) / 1000);
    const order = await prepared.send();
    metrics.sniperAttempts.inc({ result: order.submission?.reason ?? order.status });
    const facts = { nowMs: exchange.now(), self: deps.self };
    const next = afterOrder(target, order, facts, await balanceEvents(target, order));
    return next ? { next } : after(UNDECIDED_MS);
  };
}

export function createEntry(deps: EntryDeps): (target: TargetRecord, memory: Memory) => Promise<Look> {
  const { store, exchange, orders, metrics, balanceEvents, listingOf, self } = deps;
  const plan = createPlanning(deps);
  const fire = createFiring(deps);
  const facts = () => ({ nowMs: exchange.now(), self });

  async function waiting(target: TargetRecord, memory: Memory): Promise<Look> {
    const listing = listingOf(target.symbol);
    const next = watched(target, listing, exchange.now());
    if (next) return { next };
    if (target.status === 'active' || target.opens_at === null) return after(WATCH_EVERY_MS);
    const leftMs = Date.parse(target.opens_at) - exchange.now();
    if (leftMs > PREPARE_BEFORE_MS) return after(Math.min(WATCH_EVERY_MS, leftMs - PREPARE_BEFORE_MS));
    if (!memory.isPrepared) {
      memory.isPrepared = true;
      await exchange.prepare();
    }
    const made = memory.plan ?? (await plan(target));
    if (made === undefined) return after(planRetryMs(Date.parse(target.opens_at) - exchange.now()));
    if (made === 'nothing') return { next: failed(target, 'the budget buys nothing at such a price', exchange.now()) };
    memory.plan = made;
    const claimInMs = Date.parse(target.opens_at) - CLAIM_BEFORE_MS - exchange.now();
    return claimInMs > 0 ? after(Math.min(WATCH_EVERY_MS, claimInMs)) : { next: begun(target, made, facts()) };
  }

  async function executing(target: TargetRecord): Promise<Look> {
    const { entry, lease } = target;
    if (!entry || !lease) throw new Error('a target is executing without an attempt');
    const heldMs = Date.parse(lease.until) + EXCHANGE_CLOCK_MARGIN_MS - exchange.now();
    const isMine = lease.owner === self;
    if (!isMine && heldMs >= 0) return after(heldMs + 1);
    const found = await store.getOrder(target.user_id, entry.order_id);
    if (!found) {
      if (isMine && exchange.now() < Date.parse(lease.until)) return fire(target, entry);
      if (heldMs >= 0) return after(heldMs + 1);
      if (!isMine) metrics.sniperTakeovers.inc();
      return { next: abandoned(target, facts()) };
    }
    // Of an attempt that was cut off: whether it arrived is certain only once the exchange would not take it any more.
    const order = await orders.settlement.settle(found);
    const next = afterOrder(target, order, facts(), await balanceEvents(target, order));
    if (!next) return after(heldMs >= 0 ? Math.min(UNDECIDED_MS, heldMs + 1) : UNDECIDED_MS);
    if (!isMine) metrics.sniperTakeovers.inc();
    return { next };
  }

  return (target, memory) => (target.status === 'executing' ? executing(target) : waiting(target, memory));
}
