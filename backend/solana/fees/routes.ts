// POST /api/fees/estimate.
import { z } from 'zod';
import type { Kept } from '../../domain/kept.ts';
import { createKept } from '../../domain/kept.ts';
import { json, parse, type Route, readJson } from '../../http.ts';
import { addressField } from '../address.ts';
import type { RpcClient } from '../rpc/client.ts';
import { ask, askOne } from '../rpc/methods.ts';
import { COMPUTE_UNITS_MAX, COMPUTE_UNITS_USUAL, estimateFee, LEVEL_NAMES, levelFor } from './estimate.ts';

/** Fees are those of some 150 blocks: a slot later they are nearly the same. */
const FRESH_MS = 400;
const KEYS_MAX = 1000;
/** Of getRecentPrioritizationFees. */
const ACCOUNTS_MAX = 128;

const body = z.object({
  priorityLevel: z
    .enum(LEVEL_NAMES, { error: `priorityLevel must be one of ${LEVEL_NAMES.join(', ')}` })
    .default('medium'),
  computeUnits: z
    .int('computeUnits must be a whole number')
    .min(1, 'computeUnits is below 1')
    .max(COMPUTE_UNITS_MAX, `computeUnits is above ${COMPUTE_UNITS_MAX}`)
    .default(COMPUTE_UNITS_USUAL),
  maxWaitTimeMs: z.int('maxWaitTimeMs must be a whole number').min(1, 'maxWaitTimeMs is below 1').optional(),
  /** What the transaction writes: fees are paid where there is a crowd. */
  accounts: z.array(addressField('accounts')).max(ACCOUNTS_MAX, `accounts are more than ${ACCOUNTS_MAX}`).default([]),
});

export function feeRoutes(route: Route, rpc: RpcClient, now: () => number): void {
  const recent: Kept<readonly bigint[]> = createKept({
    load: (key) => askOne(rpc, ask.prioritizationFees(key === '' ? [] : key.split(','))),
    now,
    freshMs: FRESH_MS,
    keysMax: KEYS_MAX,
    isWorthKeeping: () => true,
  });
  route(
    'POST',
    '/api/fees/estimate',
    async function estimate(context) {
      const { priorityLevel, computeUnits, maxWaitTimeMs, accounts } = parse(body, await readJson(context));
      const paid = await recent.ask([...accounts].sort().join(','));
      return json(estimateFee(paid, levelFor(priorityLevel, maxWaitTimeMs), computeUnits));
    },
    { summary: 'What a transaction should pay to be confirmed in time', body },
  );
}
