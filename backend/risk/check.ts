// Whether an order may be sent, by everything known of its user: the checks in their order. Pure.
import { checkBalance, checkExposure, checkSelfTrade } from './check-exposure.ts';
import {
  checkCollar,
  checkCounts,
  checkMarketData,
  checkReduceOnly,
  checkRules,
  checkSize,
  checkSymbol,
} from './check-order.ts';
import { checkCircuit, checkLosses, checkReconciling, checkState } from './check-trading.ts';
import type { Denial } from './denial.ts';
import type { Check, Facts, ProposedOrder } from './facts.ts';

const CHECKS: readonly Check[] = [
  checkState,
  checkReconciling,
  checkCircuit,
  checkLosses,
  checkSymbol,
  checkRules,
  checkReduceOnly,
  checkMarketData,
  checkSize,
  checkCollar,
  checkCounts,
  checkExposure,
  checkBalance,
  checkSelfTrade,
];

/** The first denial, or undefined when the order may be sent. */
export function checkOrder(order: ProposedOrder, facts: Facts): Denial | undefined {
  for (const check of CHECKS) {
    const denial = check(order, facts);
    if (denial) return denial;
  }
  return undefined;
}
