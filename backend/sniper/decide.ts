// What a target does next, up to having bought. Pure: the record, and what is known now, in; the changed record out, to be stored
// before anything else is done. All times are the exchange's.
import { childOrderId, parseOrderId } from '../domain/ids.ts';
import { ZERO } from '../domain/money.ts';
import { isoTime } from '../domain/time.ts';
import type { OrderRecord } from '../store/items.ts';
import type { TargetEntry, TargetExit, TargetLease, TargetRecord } from '../store/sniper-items.ts';
import { type Listing, readyScore } from './detect.ts';
import type { EntryPlan } from './plan.ts';
import { changed, type Happened } from './state.ts';
import { hasEnded, hasFilled, orderEvents } from './trail.ts';

/** The lease of a target is taken this long before its opening, so that no write is left for the moment itself, ms. */
export const CLAIM_BEFORE_MS = 500;
/** For how long an attempt, and the lease that it is made under, holds from the moment it may be sent, ms. */
export const LEASE_MS = 1000;
/** Attempts at one opening. */
const ATTEMPTS_MAX = 12;
/** The next attempt after one that came too early, or was held back by a rate limit, ms; half as long again each time. */
const EARLY_RETRY_MS = 50;
const RATE_RETRY_MS = 500;
const RETRY_MOST_MS = 1000;
const RETRY_GROWTH = 1.5;
/** "Not listed yet", the one published refusal that waiting helps against. */
const NOT_LISTED_YET = 10_007;
const NOTHING_OFFERED = 'nothing was offered within the slippage';

export type Facts = { readonly nowMs: number; readonly self: string };

const endMs = ({ opens_at, window_ms }: TargetRecord) => Date.parse(opens_at ?? '') + window_ms;

/** A target that waits, by what is announced now. Undefined: nothing has changed. */
export function watched(target: TargetRecord, listing: Listing | undefined, nowMs: number): TargetRecord | undefined {
  const opensAt = listing ? isoTime(listing.opensAtMs) : target.opens_at;
  const current = { ...target, opens_at: opensAt };
  if (opensAt !== null && nowMs > endMs(current)) {
    const reason =
      target.status === 'ready' ? 'nobody executed it in time' : 'its listing did not become ready in time';
    return changed(target, { status: 'missed', reason, opens_at: opensAt }, nowMs, ['execution_window_ended', reason]);
  }
  const score = listing ? readyScore(listing, nowMs) : 0;
  if (target.status === 'active' && opensAt !== null && score >= target.confidence_min) {
    return changed(target, { status: 'ready', opens_at: opensAt }, nowMs, ['ready', `score ${score}`]);
  }
  return opensAt === target.opens_at ? undefined : changed(target, { opens_at: opensAt }, nowMs);
}

type Attempt = { readonly entry: TargetEntry; readonly lease: TargetLease };

/** An attempt and the lease it is made under: both end at the same moment, after which the exchange takes it no more. */
function attemptOf(
  target: TargetRecord,
  plan: { quantity: string; price: string },
  index: number,
  at: { notBeforeMs: number } & Facts,
): Attempt {
  const parent = parseOrderId(target.target_id);
  if (!parent) throw new Error(`${target.target_id} is no id of a target`);
  const until = isoTime(Math.max(at.notBeforeMs, at.nowMs) + LEASE_MS);
  const { quantity, price } = plan;
  const times = { not_before: isoTime(at.notBeforeMs), valid_until: until };
  return {
    entry: { index, order_id: childOrderId(parent, index), quantity, price, ...times },
    lease: { owner: at.self, fence: (target.lease?.fence ?? 0) + 1, until },
  };
}

/** A ready target in the hands of `self`, with its first attempt. */
export function begun(target: TargetRecord, plan: EntryPlan, facts: Facts): TargetRecord {
  const opensMs = Date.parse(target.opens_at ?? '');
  const attempt = attemptOf(target, plan, 0, { notBeforeMs: Math.max(opensMs, facts.nowMs), ...facts });
  const detail = `${plan.quantity} at ${plan.price} at most`;
  return changed(target, { status: 'executing', ...attempt }, facts.nowMs, ['execution_window_started', detail]);
}

/** How it ended without buying, and what led to it. */
type Ending = {
  readonly status: 'failed' | 'missed';
  readonly reason: string;
  readonly before?: readonly Happened[];
};

function ended(target: TargetRecord, { status, reason, before = [] }: Ending, nowMs: number): TargetRecord {
  const cause = status === 'failed' ? ([['execution_error', reason]] as const) : [];
  const over = ['execution_window_ended', reason] as const;
  return changed(target, { status, reason: reason.slice(0, 300) }, nowMs, ...before, ...cause, over);
}

/** The next attempt, where there is one left and time for it. */
function again(target: TargetRecord, why: string, delayMs: number, facts: Facts): TargetRecord {
  const { entry } = target;
  const notBeforeMs = facts.nowMs + delayMs;
  const index = (entry?.index ?? 0) + 1;
  if (!entry || index >= ATTEMPTS_MAX || notBeforeMs > endMs(target)) {
    return ended(target, { status: 'missed', reason: why }, facts.nowMs);
  }
  const attempt = attemptOf(target, entry, index, { notBeforeMs, ...facts });
  const isOthers = target.lease?.owner !== facts.self;
  const event = isOthers ? (['execution_taken_over', why] as const) : (['execution_error', why] as const);
  return changed(target, attempt, facts.nowMs, event);
}

/** An attempt whose order was never written down, by somebody whose lease is over. */
export const abandoned = (target: TargetRecord, facts: Facts): TargetRecord =>
  again(target, `attempt ${target.entry?.index} was not made`, 0, facts);

/** Undefined: another attempt is of no use. */
function retryMs({ submission }: OrderRecord, index: number): number | undefined {
  const grown = (firstMs: number) => Math.min(RETRY_MOST_MS, Math.round(firstMs * RETRY_GROWTH ** index));
  if (submission?.exchange_code === NOT_LISTED_YET) return grown(EARLY_RETRY_MS);
  if (submission?.reason === 'rate_limited') return grown(RATE_RETRY_MS);
  // It is certain that it was not taken: it came too late, or nobody knew of it until it no longer could be.
  return submission?.reason === 'expired' || submission?.status === 'unknown' ? 0 : undefined;
}

const WATCHING: TargetExit = {
  ...{ status: 'watching', trigger: null, index: 0, order_id: null, not_before: null },
  ...{ sold: ZERO, proceeds: ZERO },
};

type Holding = NonNullable<TargetRecord['holding']>;

function bought(target: TargetRecord, holding: Holding, nowMs: number, how: readonly Happened[]): TargetRecord {
  const exit = target.take_profit !== null || target.stop_loss !== null ? WATCHING : null;
  return changed(target, { status: 'completed', holding, exit }, nowMs, ...how, ['execution_window_ended', 'bought']);
}

/** The target with what it would have been filled. */
export const boughtOnPaper = (target: TargetRecord, holding: Holding, nowMs: number): TargetRecord =>
  bought(target, holding, nowMs, [['order_filled', `${holding.quantity} at ${holding.average_price}, on paper`]]);

/** An executing target once its attempt's order has come to an end, and then `also` happened; undefined while it has not. */
export function afterOrder(
  target: TargetRecord,
  order: OrderRecord,
  facts: Facts,
  also: readonly Happened[] = [],
): TargetRecord | undefined {
  const { nowMs } = facts;
  if (!hasEnded(order)) return undefined;
  const events = [...orderEvents(order), ...also];
  if (hasFilled(order)) {
    const price = order.average_price ?? target.entry?.price ?? ZERO;
    return bought(target, { quantity: order.filled_quantity, average_price: price }, nowMs, events);
  }
  if (order.status !== 'error')
    return ended(target, { status: 'failed', reason: NOTHING_OFFERED, before: events }, nowMs);
  const why = order.submission?.detail ?? 'it was refused';
  const delayMs = retryMs(order, target.entry?.index ?? 0);
  return delayMs === undefined
    ? ended(target, { status: 'failed', reason: why }, nowMs)
    : again(target, why, delayMs, facts);
}

/** A target that cannot go on, why, and what led to it. */
export const failed = (
  target: TargetRecord,
  reason: string,
  nowMs: number,
  before: readonly Happened[] = [],
): TargetRecord => ended(target, { status: 'failed', reason, before }, nowMs);

/** A target that was gone through without buying, and what would have been. */
export const rehearsed = (target: TargetRecord, said: string, nowMs: number): TargetRecord =>
  changed(target, { status: 'completed', reason: said.slice(0, 300) }, nowMs, ['execution_window_ended', said]);
