// Whether the user may trade at all now: the trading state, what is not known yet, circuits, losses. Pure.
import { compare, subtract } from '../domain/money.ts';
import { realizedOf } from './account.ts';
import { denied } from './denial.ts';
import { amount, type Check, reduces } from './facts.ts';

export const checkState: Check = (order, facts) => {
  const { state, stateReason } = facts;
  if (state === 'HALTED') return denied('TRADING_HALTED', { why: stateReason });
  if (state === 'REDUCING' && !reduces(order, facts)) return denied('TRADING_STATE_REDUCING', { why: stateReason });
  return undefined;
};

export const checkReconciling: Check = (_order, { isReconciling }) =>
  isReconciling ? denied('RECONCILING') : undefined;

export const checkCircuit: Check = (_order, { openCircuit }) =>
  openCircuit === undefined ? undefined : denied('CIRCUIT_OPEN', { circuit: openCircuit });

export const checkLosses: Check = (order, facts) => {
  const { account, limits, nowMs } = facts;
  if (reduces(order, facts)) return undefined; // Whoever has lost too much must still be able to get out.
  const total = realizedOf(account);
  const lost = subtract(amount(account.day_opened), total);
  if (limits.daily_loss_max !== null && compare(lost, limits.daily_loss_max) >= 0) {
    return denied('DAILY_LOSS_EXCEEDS_MAXIMUM', { lost, maximum: limits.daily_loss_max });
  }
  if (limits.drawdown_max === null || account.drawdown_at === null) return undefined;
  const untilMs = Date.parse(account.drawdown_at) + limits.drawdown_pause_ms;
  if (nowMs >= untilMs) return undefined;
  const context = { below: subtract(amount(account.peak), total), maximum: limits.drawdown_max };
  return denied('DRAWDOWN_EXCEEDS_MAXIMUM', { ...context, until: new Date(untilMs).toISOString() });
};
