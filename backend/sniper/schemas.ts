// What clients may send about sniping targets, and what they get.
import { z } from 'zod';
import { channels, type Newsroom } from '../bus/bus.ts';
import { amount } from '../domain/amount.ts';
import { add, compare, decimalOf, multiply, subtract, ZERO } from '../domain/money.ts';
import { symbolName, userId } from '../http.ts';
import { CALENDAR_STATUSES } from '../store/calendar-items.ts';
import { TARGET_MODES, type TargetRecord } from '../store/sniper-items.ts';

/** An announced opening may slip; ten minutes later it is another one. */
const WINDOW_MS_LEAST = 500;
const WINDOW_MS_MOST = 600_000;
const WINDOW_MS_USUAL = 5000;
const CONFIDENCE_USUAL = 85;
const SLIPPAGE_USUAL = decimalOf('0.1');
const ONE = decimalOf('1');
const TEN = decimalOf('10');

const upTo = (name: string, most: typeof ONE) =>
  amount(name).refine(
    (share) => compare(share, most) <= 0,
    `${name} must be ${most} or less: it is a share, 0.1 is ten per cent`,
  );
const windowError = `window_ms must be from ${WINDOW_MS_LEAST} to ${WINDOW_MS_MOST}`;
const confidenceError = 'confidence_min must be a whole number from 0 to 100';

export const targetBody = z.object({
  user_id: userId,
  symbol: symbolName,
  mode: z.enum(TARGET_MODES, { error: `mode must be ${TARGET_MODES.join(', ')}` }).default('paper'),
  budget: amount('budget'),
  take_profit: upTo('take_profit', decimalOf('1000')).nullish(),
  stop_loss: amount('stop_loss')
    .refine((share) => compare(share, ONE) < 0, 'stop_loss must be less than 1: it is a share, 0.1 is ten per cent')
    .nullish(),
  max_slippage: upTo('max_slippage', TEN).default(SLIPPAGE_USUAL),
  reference_price: amount('reference_price').nullish(),
  confidence_min: z.int(confidenceError).min(0, confidenceError).max(100, confidenceError).default(CONFIDENCE_USUAL),
  window_ms: z
    .int(windowError)
    .min(WINDOW_MS_LEAST, windowError)
    .max(WINDOW_MS_MOST, windowError)
    .default(WINDOW_MS_USUAL),
});
export type NewTarget = z.infer<typeof targetBody>;

export const calendarQuery = z.object({
  status: z.enum(CALENDAR_STATUSES, { error: 'status must be detected or sniped or missed' }).optional(),
});

export function targetView(target: TargetRecord) {
  const { version: _version, lease: _lease, events: _events, ...view } = target;
  return view;
}

/** Tells the user of the target as it is stored now. */
export function announce(bus: Newsroom, target: TargetRecord): void {
  bus.tell(channels.sniper(target.user_id), 'target', targetView(target));
}

/** With its audit trail, oldest first. */
export const executionView = (target: TargetRecord) => ({ ...targetView(target), events: target.events });

/** What came of targets; amounts are in the quote asset, of what has been sold again. */
export function statisticsOf(targets: readonly TargetRecord[]) {
  const byStatus: Record<string, number> = {};
  let [realized, closed, won] = [ZERO, 0, 0];
  for (const target of targets) {
    byStatus[target.status] = (byStatus[target.status] ?? 0) + 1;
    const gained = gainOf(target);
    if (gained === undefined) continue;
    realized = add(realized, gained);
    closed += 1;
    if (compare(gained, ZERO) > 0) won += 1;
  }
  return { targets: targets.length, by_status: byStatus, closed, won, realized };
}

function gainOf({ exit, holding, mode }: TargetRecord) {
  if (mode !== 'live' || exit?.status !== 'closed' || !holding) return undefined;
  return subtract(decimalOf(exit.proceeds), multiply(decimalOf(holding.quantity), decimalOf(holding.average_price)));
}
