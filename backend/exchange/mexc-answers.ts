// What MEXC's answers mean: status and body in, a result of the port out. Pure.
import { z } from 'zod';
import { add, type Decimal, parseDecimal, ZERO } from '../domain/money.ts';
import type { Balance, ExchangeOrder, ExchangeStatus, Rejection, RejectReason, Unknown } from './exchange.ts';

/** An HTTP answer, its body parsed as JSON; undefined when it is none. */
export type Answer = {
  readonly status: number;
  readonly body: unknown;
  /** What the exchange asked us to wait, ms; undefined when it did not ask. */
  readonly retryAfterMs?: number | undefined;
};

// Codes of section "Error Code" of the exchange's documentation, as far as this client tells them apart.

/** The timestamp was refused: 700003 and 10073, and -1021 of the API that this one is modelled on. */
const CODES_OUTSIDE_WINDOW = [700_003, 10_073, -1021];
const CODES_NOT_FOUND: ReadonlySet<number> = new Set([-2011, -2013, 22_222]);
/** The exchange failed inside: whatever HTTP status carries them, the order may exist. */
const CODES_UNKNOWN: ReadonlySet<number> = new Set([500, 503, 504, 20_002]);
const CODES_BY_REASON: Readonly<Record<RejectReason, readonly number[]>> = {
  unknown_symbol: [10_007, 30_014, 30_021, -1121, 730_001],
  not_tradable: [30_000, 30_001, 30_016, 30_018, 30_019, 30_020, 30_028],
  invalid_order: [
    30_002, 30_003, 30_010, 30_025, 30_041, 30_087, 88_013, 10_095, 10_096, 10_097, 10_102, 33_333, 44_444, 700_004,
    700_008,
  ],
  insufficient_balance: [30_004, 30_005, 10_101],
  account_limit: [30_027, 30_029, 30_032],
  rate_limited: [429, 510],
  expired: CODES_OUTSIDE_WINDOW,
  unauthorised: [400, 401, 402, 403, 406, 602, 10_072, 60_005, 70_011, 700_001, 700_002, 700_006, 700_007],
  refused: [],
  unreachable: [],
};
const REASONS: ReadonlyMap<number, RejectReason> = new Map(
  Object.entries(CODES_BY_REASON).flatMap(([reason, codes]) =>
    codes.map((code) => [code, reason as RejectReason] as const),
  ),
);
/** 10007 has two meanings, which only its text tells apart: no such symbol, and one that is closed to the API. */
const CLOSED_TO_API = /not support api/i;
const DETAIL_MAX = 200;

export const isOk = (answer: Answer): boolean => answer.status >= 200 && answer.status < 300;

const errorBody = z.object({ code: z.coerce.number().int(), msg: z.string().nullish() });

export function rejected(reason: RejectReason, code: number | null, detail: string): Rejection {
  return { kind: 'rejected', reason, code, detail: detail.slice(0, DETAIL_MAX) };
}

export function unknown(detail: string): Unknown {
  return { kind: 'unknown', detail: detail.slice(0, DETAIL_MAX) };
}

/** Whether the exchange refused a request for its timestamp, which proves that nothing was taken. */
export function isOutsideWindow(answer: Answer): boolean {
  const code = errorCode(answer);
  return code !== undefined && CODES_OUTSIDE_WINDOW.includes(code);
}

/** The least ban, and how long the exchange's rate window is. Both only where it did not say how long to wait. */
const BAN_LEAST_MS = 120_000;
const RATE_WINDOW_MS = 10_000;
const BAN_MOST_MS = 3 * 24 * 3_600_000;

/** For how long nothing may be sent after this answer, ms; undefined when it says nothing of the kind. */
export function pauseAfter(answer: Answer): { readonly forMs: number; readonly reason: string } | undefined {
  const { status, retryAfterMs } = answer;
  const code = errorCode(answer);
  const isBan = status === 418;
  const isLimit = status === 429 || code === 429 || code === 510;
  const isFirewall = status === 403 && code === undefined; // "403: WAF limit"; with a code it is about the account.
  if (!isBan && !isLimit && !isFirewall) return undefined;
  const forMs = retryAfterMs ?? (isBan ? BAN_LEAST_MS : RATE_WINDOW_MS);
  const reason = isBan ? 'the exchange has banned this address' : 'the exchange has had too many requests';
  return { forMs: Math.min(forMs, BAN_MOST_MS), reason: `${reason} (HTTP ${status})` };
}

export type Refusal = Rejection | Unknown | { readonly kind: 'not_found' };

/** The exchange's code of an answer that is an error, else undefined. */
function errorCode(answer: Answer): number | undefined {
  return answer.status >= 400 ? errorBody.safeParse(answer.body).data?.code : undefined;
}

/**
 * What an answer other than 2xx says. 5xx is never a refusal ("execution status UNKNOWN", says the documentation); 4xx
 * always is one, with or without a readable body, unless its code admits an internal error.
 */
export function refusal(answer: Answer): Refusal {
  const body = errorBody.safeParse(answer.body).data;
  const code = body?.code ?? null;
  const detail = body?.msg ?? `HTTP ${answer.status}`;
  if (answer.status >= 500 || answer.status < 400)
    return unknown(`the exchange answered HTTP ${answer.status}: ${detail}`);
  if (code !== null && CODES_UNKNOWN.has(code)) return unknown(`the exchange answered ${code}: ${detail}`);
  if (answer.status === 429 || answer.status === 418) return rejected('rate_limited', code, detail);
  if (code !== null && CODES_NOT_FOUND.has(code)) return { kind: 'not_found' };
  if (code === 10_007 && CLOSED_TO_API.test(detail)) return rejected('not_tradable', code, detail);
  return rejected((code !== null && REASONS.get(code)) || 'refused', code, detail);
}

export const amount = z.union([z.string(), z.number()]).transform((value, context): Decimal => {
  const parsed = parseDecimal(value);
  if (parsed !== undefined) return parsed;
  context.addIssue('not a decimal');
  return z.NEVER;
});
/** Opaque; documentation examples show it as a number now and then. */
const exchangeOrderId = z.union([z.string().min(1), z.number()]).transform(String);

export const placedOrder = z.object({ orderId: exchangeOrderId });
export const priceOf = z.object({ price: amount });
export const serverTimeOf = z.object({ serverTime: z.number().int() });

const STATUSES: Readonly<Record<string, ExchangeStatus>> = {
  NEW: 'open',
  PARTIALLY_FILLED: 'partially_filled',
  FILLED: 'filled',
  CANCELED: 'cancelled',
  PARTIALLY_CANCELED: 'cancelled',
};

const orderState = z.object({
  orderId: exchangeOrderId,
  status: z.string(),
  executedQty: amount.nullish(),
  cummulativeQuoteQty: amount.nullish(), // The exchange's spelling.
});

/** The order an answer describes, or undefined when it describes none (a status word we do not know included). */
export function orderOf(body: unknown): ExchangeOrder | undefined {
  const parsed = orderState.safeParse(body).data;
  const status = parsed && STATUSES[parsed.status];
  if (!status) return undefined;
  return {
    exchangeOrderId: parsed.orderId,
    status,
    filledQuantity: parsed.executedQty ?? ZERO,
    filledQuote: parsed.cummulativeQuoteQty ?? ZERO,
    fees: null, // No answer about an order says them; feesOf reads it from the trades.
  };
}

const account = z.object({ balances: z.array(z.object({ asset: z.string().min(1), free: amount, locked: amount })) });

/** The account's balances by asset; undefined when the answer is not readable. */
export function balancesOf(body: unknown): ReadonlyMap<string, Balance> | undefined {
  const parsed = account.safeParse(body).data;
  return parsed && new Map(parsed.balances.map(({ asset, free, locked }) => [asset, { free, locked }]));
}

const trades = z.array(z.object({ commission: amount, commissionAsset: z.string().min(1) }));

/** The commissions of an order's trades, by asset. */
export function feesOf(body: unknown): Readonly<Record<string, Decimal>> | null {
  const list = trades.safeParse(body).data;
  if (!list) return null;
  const fees: Record<string, Decimal> = {};
  for (const { commission, commissionAsset: asset } of list) fees[asset] = add(fees[asset] ?? ZERO, commission);
  return fees;
}
