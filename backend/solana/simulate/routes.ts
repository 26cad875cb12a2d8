// POST /api/transaction/simulate: what would a transaction do if it were sent now?
import { z } from 'zod';
import { fail, json, parse, type Route, readJson } from '../../http.ts';
import type { RpcClient } from '../rpc/client.ts';
import { ask, askOne, NodeError } from '../rpc/methods.ts';
import { errorText, resultOf } from './outcome.ts';

/** A transaction is at most 1232 bytes on the wire (the least MTU of IPv6 less headers). */
export const TRANSACTION_BYTES_MAX = 1232;
const BASE_FEE_LAMPORTS = 5000n;
const INVALID_PARAMS = -32602;

export const wireTransaction = z
  .string({ error: 'transaction is required' })
  .max(Math.ceil(TRANSACTION_BYTES_MAX / 3) * 4, `transaction is above ${TRANSACTION_BYTES_MAX} bytes`)
  .regex(/^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, 'transaction must be base64');
const body = z.object({ transaction: wireTransaction });

/** As the system before reckoned, which frontends show beside what the node says. */
export const estimatedFee = (units: bigint): bigint => BASE_FEE_LAMPORTS + (units / 1000n) * 1000n;

export function simulateRoutes(route: Route, rpc: RpcClient): void {
  route(
    'POST',
    '/api/transaction/simulate',
    async function simulate(context) {
      const { transaction } = parse(body, await readJson(context));
      try {
        const { err, logs, unitsConsumed, fee } = await askOne(rpc, ask.simulate(transaction));
        const result = resultOf(err ?? null, logs ?? []);
        const units = unitsConsumed ?? 0n;
        return json({
          result,
          error: errorText(err ?? null),
          estimated_compute_units: Number(units),
          estimated_fee_lamports: Number(estimatedFee(units)),
          fee_lamports: fee === null || fee === undefined ? null : String(fee),
          logs: logs ?? [],
          will_succeed: result === 'Success',
        });
      } catch (error) {
        if (!(error instanceof NodeError) || error.code !== INVALID_PARAMS) throw error;
        return fail('invalid_request', `transaction is none: ${error.message}`);
      }
    },
    { summary: 'What a transaction would do now, signed or not', body },
  );
}
